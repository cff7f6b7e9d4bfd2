//! Pathnames that begin with a tilde: `~` and `~/x` for where the session
//! began, `~name` for the home of a user, in the manner of shells and of
//! vsftpd. No RFC knows them. Who is home where is others' to say.
#![forbid(unsafe_code)]

/// A pathname that begins with a tilde, taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tilde<'path> {
    /// The user whose home is meant; nothing for the session's own.
    pub user: &'path [u8],
    /// What follows, without its slashes at the front.
    pub below: &'path [u8],
}

impl Tilde<'_> {
    /// `None` for a pathname that begins otherwise.
    #[must_use]
    pub fn parse(pathname: &[u8]) -> Option<Tilde<'_>> {
        let rest = pathname.strip_prefix(b"~")?;
        let end = rest.iter().position(|&byte| byte == b'/');
        let (user, below) = rest.split_at(end.unwrap_or(rest.len()));
        let slashes = below.iter().take_while(|&&byte| byte == b'/').count();
        Some(Tilde {
            user,
            below: below.get(slashes..).unwrap_or_default(),
        })
    }
}

/// The home of `user` by the text of a passwd(5), if it has one that is
/// absolute.
#[must_use]
pub fn home_in<'text>(passwd: &'text [u8], user: &[u8]) -> Option<&'text [u8]> {
    let line = passwd.split(|&byte| byte == b'\n').find(|line| {
        let mut fields = line.split(|&byte| byte == b':');
        fields.next() == Some(user) && fields.nth(4).is_some()
    })?;
    let home = line.split(|&byte| byte == b':').nth(5)?;
    home.starts_with(b"/").then_some(home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_stands_for_a_home_only_at_the_front() {
        let parsed = |pathname: &'static str| {
            let tilde = Tilde::parse(pathname.as_bytes())?;
            let text = |bytes| str::from_utf8(bytes).unwrap();
            Some((text(tilde.user), text(tilde.below)))
        };
        assert_eq!(parsed("~"), Some(("", "")));
        assert_eq!(parsed("~/"), Some(("", "")));
        assert_eq!(parsed("~//a/b"), Some(("", "a/b")));
        assert_eq!(parsed("~ann"), Some(("ann", "")));
        assert_eq!(parsed("~ann/a/~"), Some(("ann", "a/~")));
        for plain in ["", "a~", "./~", "/~ann"] {
            assert_eq!(parsed(plain), None, "{plain}");
        }
    }

    #[test]
    fn homes_are_found_by_the_whole_name() {
        let passwd = b"ann:x:1:1::/home/ann:/bin/sh\nbo:x:2:2::here:\nshort:x\ncarl:x:3:3:C:/c\n";
        assert_eq!(home_in(passwd, b"ann"), Some(&b"/home/ann"[..]));
        assert_eq!(home_in(passwd, b"carl"), Some(&b"/c"[..]));
        for nobody in [&b"an"[..], b"bo", b"short", b"", b"ann:x"] {
            assert_eq!(home_in(passwd, nobody), None);
        }
    }
}
