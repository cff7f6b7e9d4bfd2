//! The media-type fact (RFC 3659 section 7.5.7): what a file holds, guessed
//! from the end of its name. Nothing looks into the file, and a name that
//! tells nothing has no such fact.
#![forbid(unsafe_code)]

/// Ends of names in lower case, sorted, and the types of IANA's registry.
const TYPES: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("apk", "application/vnd.android.package-archive"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("bz2", "application/x-bzip2"),
    ("c", "text/x-c"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("deb", "application/vnd.debian.binary-package"),
    ("doc", "application/msword"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("eml", "message/rfc822"),
    ("epub", "application/epub+zip"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("h", "text/x-c"),
    ("heic", "image/heic"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ico", "image/vnd.microsoft.icon"),
    ("ics", "text/calendar"),
    ("iso", "application/vnd.efi.iso"),
    ("jar", "application/java-archive"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("log", "text/plain"),
    ("m4a", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("md", "text/markdown"),
    ("mkv", "video/matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("ps", "application/postscript"),
    ("rar", "application/vnd.rar"),
    ("rtf", "application/rtf"),
    ("sql", "application/sql"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("tgz", "application/gzip"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("vcf", "text/vcard"),
    ("wasm", "application/wasm"),
    ("wav", "audio/vnd.wave"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml"),
    ("xls", "application/vnd.ms-excel"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "application/xml"),
    ("xz", "application/x-xz"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
    ("zst", "application/zstd"),
];

/// The media type of a file with this name, if the name tells it.
#[must_use]
pub fn media_type(name: &[u8]) -> Option<&'static str> {
    let dot = name.iter().rposition(|byte| *byte == b'.')?;
    let end = name.get(dot + 1..)?;
    // A name that is all extension is a hidden file.
    if dot == 0 || end.is_empty() || end.len() > 5 {
        return None;
    }
    let end = end.to_ascii_lowercase();
    let found = TYPES.binary_search_by(|(known, _)| known.as_bytes().cmp(&end));
    TYPES.get(found.ok()?).map(|(_, media)| *media)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_names_are_sorted_short_and_in_lower_case() {
        assert!(TYPES.is_sorted_by(|one, other| one.0 < other.0));
        for (end, media) in TYPES {
            assert!(end.len() <= 5 && *end == end.to_ascii_lowercase(), "{end}");
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/+.-".contains(&byte);
            assert!(media.bytes().all(plain), "{media} fits a fact");
        }
    }

    #[test]
    fn the_last_end_of_a_name_decides_in_any_case() {
        for (name, media) in [
            (&b"a.txt"[..], Some("text/plain")),
            (b"A.B.JPG", Some("image/jpeg")),
            (b"x.tar.gz", Some("application/gzip")),
            (b"a b.html", Some("text/html")),
            (b"txt", None),
            (b".txt", None),
            (b"a.", None),
            (b"a.unknown", None),
            (b"a.longer-than-all", None),
            (b"", None),
            (b"a.\xFF", None),
        ] {
            assert_eq!(media_type(name), media, "{name:?}");
        }
    }
}
