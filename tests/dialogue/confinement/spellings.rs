//! The ways in which a pathname, or a link that lies in its way, may try to
//! lead out of the root.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A pathname that shall not lead to what lies outside, and the links that
/// must lie in the root for it to try.
pub struct Spelling {
    pub top: Vec<u8>,
    pub links: Vec<(String, String)>,
}

impl Spelling {
    fn new(top: impl AsRef<[u8]>) -> Spelling {
        Spelling {
            top: top.as_ref().to_vec(),
            links: Vec::new(),
        }
    }

    fn link(mut self, name: &str, target: impl Into<String>) -> Spelling {
        self.links.push((name.to_owned(), target.into()));
        self
    }

    /// Makes the links anew, whatever has become of them.
    pub fn lay(&self, root: &Path) {
        for (name, target) in &self.links {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match fs::symlink_metadata(&path) {
                Ok(about) if about.is_dir() => fs::remove_dir_all(&path).unwrap(),
                Ok(_) => fs::remove_file(&path).unwrap(),
                Err(_) => {}
            }
            symlink(target, &path).unwrap();
        }
    }
}

/// Pathnames that need no link. `outside` is absolute.
pub fn texts(outside: &str) -> Vec<Spelling> {
    let slashes = |text: &str| outside.replace('/', text);
    let mut tops: Vec<Vec<u8>> = [
        outside.to_owned(),
        format!("..{outside}"),
        format!("../../../../../../../../../..{outside}"),
        format!("/../../..{outside}"),
        format!("inside/../../../..{outside}"),
        format!("inside/./..//..//.//..{outside}/."),
        format!("//..//{outside}"),
        format!("...{outside}"),
        format!("..../..../..{outside}"),
        format!("....//....//{outside}"),
        format!("..;/..;{outside}"),
        format!(". ./. .{outside}"),
        format!(" ../ ..{outside}"),
        format!("..\t/..{outside}"),
        format!("..\\..\\..{}", slashes("\\")),
        format!("\\..\\..{outside}"),
        format!("..%2f..%2f..{}", slashes("%2f")),
        format!("%2e%2e/%2e%2e/%2e%2e{outside}"),
        format!("%2E%2E%2F%2E%2E{}", slashes("%2F")),
        format!("%252e%252e%252f{}", slashes("%252f")),
        format!("..%5c..%5c{}", slashes("%5c")),
        format!("..%0A/..%0D{outside}"),
        format!("%0A/..%0A{outside}"),
        format!("%00/../..{outside}"),
        format!("..%00/..%00{outside}"),
        format!("%u002e%u002e/..{outside}"),
        format!("\u{ff0e}\u{ff0e}/\u{ff0e}\u{ff0e}{outside}"),
        format!("\u{2025}/\u{2025}{}", slashes("\u{2215}")),
        format!("~{outside}"),
        format!("~/../..{outside}"),
        format!("~root/../..{outside}"),
        format!("~anonymous{outside}"),
        format!("[.][.]/[.][.]/[.][.]{outside}"),
        format!(".?/?.{outside}"),
        format!("\\.\\./\\.\\.{outside}"),
        format!("{{..,x}}/{{..,x}}{outside}"),
        format!("*/../../..{outside}"),
        format!("{{/,..}}{outside}"),
        format!("./*/..{}", outside.replace("/t", "/[t]")),
        format!("{}..{outside}", "a/../".repeat(500)),
        format!("{}{outside}", "../".repeat(1300)),
        format!("{}{outside}", "../".repeat(2600)),
        format!("{}..{outside}", "./".repeat(2000)),
        format!("{}{outside}", "d/".repeat(500)),
        format!("{}{outside}", "n".repeat(255)),
        format!("{}{outside}", "n".repeat(256)),
    ]
    .map(String::into_bytes)
    .into();
    // Octets that are no text: NUL, overlong forms of `.` and `/`, doubled
    // IAC, shift sequences of a charset that hides dots.
    for climb in [
        &b"..\0/.."[..],
        b"\0",
        b"\xC0\xAE\xC0\xAE/\xC0\xAE\xC0\xAE",
        b"..\xC0\xAF..\xC0\xAF..",
        b"\xE0\x80\xAE\xE0\x80\xAE\xE0\x80\xAF",
        b"\xF0\x80\x80\xAE\xF0\x80\x80\xAE/..",
        b"\xFF\xFF../..",
        b".\x1B(B./.\x1B(B.",
        b"\xEF\xBB\xBF../..",
        // Wide dots and slashes, and a lead octet before a narrow one, of
        // Shift_JIS; escaped octets, which a charset makes known.
        b"\x81\x44\x81\x44\x81\x5E\x81\x44\x81\x44",
        b"\x81../\x81../..",
        b"\x95\x5C../..",
        b"%C0%AE%C0%AE/%C0%AE%C0%AE%C0%AF..",
        b"%FF../%81..",
    ] {
        tops.push([climb, outside.as_bytes()].concat());
    }
    tops.into_iter().map(Spelling::new).collect()
}

/// Links, chains of links, and links to the kernel's links.
pub fn links(outside: &str) -> Vec<Spelling> {
    let up = "../../../../../../../../../../..";
    let relative = format!("{up}{outside}");
    let mut all = vec![
        Spelling::new("absolute").link("absolute", outside),
        Spelling::new("relative").link("relative", relative.as_str()),
        Spelling::new("inside/climb").link("inside/climb", relative.as_str()),
        Spelling::new("doubled").link("doubled", format!("//..//.{outside}/.")),
        Spelling::new(format!("dots/dots/dots{outside}")).link("dots", ".."),
        Spelling::new(format!("slash{outside}")).link("slash", "/"),
        Spelling::new(format!("above{outside}")).link("above", "/../../.."),
        Spelling::new(format!("far/far{outside}")).link("far", up),
        Spelling::new("dangling").link("dangling", format!("{outside}/none")),
        Spelling::new("loop")
            .link("loop", "pool")
            .link("pool", "loop"),
        Spelling::new("itself").link("itself", "itself"),
        Spelling::new("within").link("within", format!("within/..{outside}")),
        Spelling::new("fed")
            .link("fed", "feed")
            .link("feed", outside),
        // As long as a link's text can be.
        Spelling::new("long").link("long", format!("{}{outside}", "../".repeat(1340))),
        // Of the server's own.
        Spelling::new(format!("/proc/self/root{outside}")),
        Spelling::new(format!("../../proc/1/root{outside}")),
    ];
    // Links at the end of the pathname, to each of the names.
    for (folder, climb) in [("ends", ""), ("rises", up)] {
        let ends = ["secret", "vault", "empty", "new"];
        all.push(ends.iter().fold(Spelling::new(folder), |spelling, end| {
            spelling.link(
                &format!("{folder}/{end}"),
                format!("{climb}{outside}/{end}"),
            )
        }));
    }
    for length in [2, 39, 40, 41, 60] {
        let name = |step: usize| format!("chain{length}-{step}");
        let chain = Spelling::new(name(0)).link(&name(length - 1), relative.as_str());
        let step = |spelling: Spelling, step| spelling.link(&name(step), name(step + 1));
        all.push((0..length - 1).fold(chain, step));
    }
    for (name, target) in [
        ("magic-root", "/proc/self/root"),
        ("magic-thread", "/proc/thread-self/root"),
        ("magic-cwd", "/proc/self/cwd"),
        ("magic-first", "/proc/1/root"),
        ("magic-up", "../../../../../proc/self/root"),
    ] {
        all.push(Spelling::new(format!("{name}{outside}")).link(name, target));
        all.push(Spelling::new(name).link(name, format!("{target}/{relative}")));
    }
    for number in 0..16 {
        let name = format!("fd{number}");
        let target = format!("/proc/self/fd/{number}/{relative}");
        all.push(Spelling::new(&name).link(&name, target));
        let name = format!("dev{number}");
        all.push(Spelling::new(&name).link(&name, format!("/dev/fd/{number}/{relative}")));
    }
    all
}
