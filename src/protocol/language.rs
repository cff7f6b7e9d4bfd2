//! The languages replies can be in, and their tags (RFC 2640 section 4, RFC
//! 4647 section 3.4). The texts are `session`'s.
#![forbid(unsafe_code)]

/// A language in which the server can reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// The language of the texts in the source.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// Every one, in the order in which FEAT lists them.
    pub const ALL: [Language; 2] = [Language::English, Language::Chinese];

    /// The tag, upper case: tags have no case of their own.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "EN",
            Language::Chinese => "ZH",
        }
    }

    /// The language for a client's tag. Of a longer one, such as `zh-CN` or
    /// `en-GB`, the first part decides, since nothing finer is on offer.
    #[must_use]
    pub fn parse(tag: &[u8]) -> Option<Language> {
        let primary = tag.split(|octet| *octet == b'-').next()?;
        Language::ALL.into_iter().find(|language| {
            Language::is_tag(tag) && language.tag().as_bytes().eq_ignore_ascii_case(primary)
        })
    }

    /// Whether this is a language tag, of a language on offer or not: parts of
    /// one to eight letters or digits with hyphens between (RFC 2640 section 4.2).
    #[must_use]
    pub fn is_tag(tag: &[u8]) -> bool {
        tag.split(|octet| *octet == b'-')
            .all(|part| (1..=8).contains(&part.len()) && part.iter().all(u8::is_ascii_alphanumeric))
    }

    /// The line of FEAT, with a star at the language in use (RFC 2640 section
    /// 4.3).
    #[must_use]
    pub fn feat_line(self) -> String {
        let mark = |language: Language| {
            let star = if language == self { "*" } else { "" };
            format!("{}{star}", language.tag())
        };
        format!("LANG {}", Language::ALL.map(mark).join(";"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_no_case_and_the_first_part_decides() {
        for tag in ["zh", "ZH", "zh-CN", "zh-Hans-CN"] {
            assert_eq!(Language::parse(tag.as_bytes()), Some(Language::Chinese));
        }
        assert_eq!(Language::parse(b"en-gb"), Some(Language::English));
        for tag in [
            "",
            "de",
            "zhx",
            "zh-",
            "zh--CN",
            "zh_CN",
            "zh cn",
            "z",
            "zh-toolongtag",
        ] {
            assert_eq!(Language::parse(tag.as_bytes()), None, "{tag}");
        }
    }

    #[test]
    fn feat_marks_the_language_in_use() {
        assert_eq!(Language::English.feat_line(), "LANG EN*;ZH");
        assert_eq!(Language::Chinese.feat_line(), "LANG EN;ZH*");
    }
}
