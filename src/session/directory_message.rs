//! Messages of directories (dirmessage_enable, message_file), which users see
//! when they come to a directory for the first time in a session.

use super::state::Login;
use crate::config::Config;
use crate::protocol::Reply;

/// Bytes of a message that are shown.
const LARGEST: usize = 32 * 1024;

/// Directories of one session that are remembered, as many as vsftpd does;
/// with more, all begin anew.
const REMEMBERED: usize = 100;

/// A directory, whatever it is called: device and inode.
pub(super) type Place = ((u32, u32), u64);

impl Login {
    /// `reply`, which has brought the user to the working directory, with
    /// what is to be shown there before it.
    pub(super) fn with_message(&mut self, config: &Config, reply: Reply) -> Reply {
        if !config.dirmessage_enable() || config.message_file().is_empty() {
            return reply;
        }
        // What the server shows of its own accord is denied to nobody.
        let root = self.root.undenied();
        let Ok(here) = root.attributes(&self.cwd) else {
            return reply;
        };
        let here = (here.device, here.inode);
        if self.visited.contains(&here) {
            return reply;
        }
        if self.visited.len() >= REMEMBERED {
            self.visited.clear();
        }
        self.visited.push(here);
        let text = self.cwd.join(config.message_file()).ok();
        // A directory without a message is the usual case.
        let text = text.and_then(|path| root.beginning(&path, LARGEST).ok());
        let text = text.unwrap_or_default();
        lines(&text).fold(reply, |reply, line| reply.line(line.to_vec()))
    }
}

/// The lines of a text, the last of which need not have an end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn lines_need_no_end_and_lose_their_cr() {
        let split = |text: &'static str| lines(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(split("a\r\n\nb"), [&b"a"[..], b"", b"b"]);
        assert_eq!(split("a\n"), [b"a"]);
        assert_eq!(split(""), [b""; 0]);
    }
}
