//! Trees of files to serve, and the comparison of two trees byte by byte.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::temp::TempDir;

/// Size of the sparse file, one byte more than a signed 32-bit number holds.
pub const SPARSE_SIZE: u64 = 1 << 31;

/// Fills `root` with what makes clients stumble: names with spaces and Chinese
/// names, signs that mean something to a URL or a shell, an empty file, an
/// empty directory, a deep one, text with LF and with CR LF, binary data.
pub fn odd_tree(root: &TempDir) {
    root.file("plain.txt", "one\ntwo\n");
    root.file("dos.txt", "one\r\ntwo\r\n");
    root.file("empty file", "");
    root.file("a name with spaces.txt", "spaces\n");
    root.file("100% of #hash+plus.txt", "signs\n");
    root.file("中文 文件.txt", "中文内容\n");
    root.file("binary.bin", noise(300_000));
    root.file("目录/里面/数据.bin", noise(70_000));
    root.file("dir with spaces/inner file", "inner\n");
    root.file(
        "deep/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/bottom",
        "deep\n",
    );
    for number in 0..40 {
        root.file(format!("many/file-{number:02}"), noise(number * 37));
    }
    root.dir("empty directory");
}

/// Copies this project's own sources into `root`.
pub fn own_sources(root: &TempDir) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["src", "tests", "etc", "man", "Cargo.toml", "Cargo.lock"] {
        copy(&project.join(name), Path::new(name), root);
    }
}

fn copy(from: &Path, name: &Path, root: &TempDir) {
    if from.is_file() {
        root.file(name, fs::read(from).unwrap());
    } else if from.is_dir() {
        root.dir(name);
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &name.join(entry.file_name()), root);
        }
    }
}

/// Bytes that hold every value and repeat with no power of two, so that a lost,
/// doubled or displaced block shows.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Places in the sparse file that are not zero, each with what stands there.
fn marks() -> Vec<(u64, Vec<u8>)> {
    let at = [
        0,
        4096 * 3 + 17,
        1 << 20,
        (1 << 30) - 5,
        (1 << 30) + (1 << 29),
        SPARSE_SIZE - 11,
    ];
    at.into_iter()
        .map(|at| (at, format!("@{at:010}").into_bytes()))
        .collect()
}

/// Makes the sparse file of [`SPARSE_SIZE`] bytes.
pub fn sparse_file(path: &Path) {
    let mut file = File::create(path).unwrap();
    file.set_len(SPARSE_SIZE).unwrap();
    for (at, mark) in marks() {
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&mark).unwrap();
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

/// Whether `stream` is the sparse file, byte by byte; what is wrong otherwise.
/// Nothing is kept and nothing written to disk.
pub fn check_sparse(stream: &mut dyn Read) -> Result<(), String> {
    const BLOCK: usize = 1 << 20;
    let zeros = vec![0; BLOCK];
    let mut buffer = vec![0; BLOCK];
    let mut at = 0_u64;
    loop {
        let count = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Err(format!("at {at}: {error}")),
        };
        let end = at + count as u64;
        for (place, mark) in marks() {
            for (place, &byte) in (place..).zip(&mark) {
                if (at..end).contains(&place) {
                    let here = (place - at) as usize;
                    if buffer[here] != byte {
                        return Err(format!("a wrong byte at {place}"));
                    }
                    buffer[here] = 0;
                }
            }
        }
        if buffer[..count] != zeros[..count] {
            return Err(format!("not zero somewhere from {at} to {end}"));
        }
        at = end;
    }
    if at == SPARSE_SIZE {
        Ok(())
    } else {
        Err(format!("{at} bytes"))
    }
}

/// What a name in a tree stands for.
#[derive(PartialEq, Eq)]
enum Entry {
    Dir,
    File(Vec<u8>),
}

/// Which differences between two trees count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// All, empty directories included.
    Everything,
    /// Files only: for clients that never make a directory they put nothing in.
    Files,
}

/// Fails the test with the first few differences between two trees.
#[track_caller]
pub fn same_tree(expected: &Path, found: &Path, what: Compare) {
    let expected = walk(expected, what);
    let found = walk(found, what);
    let mut differences = Vec::new();
    for (name, entry) in &expected {
        match found.get(name) {
            None => differences.push(format!("missing: {}", name.display())),
            Some(other) if other != entry => {
                differences.push(format!("different: {}", name.display()));
            }
            Some(_) => {}
        }
    }
    for name in found.keys().filter(|name| !expected.contains_key(*name)) {
        differences.push(format!("too much: {}", name.display()));
    }
    assert!(!expected.is_empty());
    differences.truncate(10);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn walk(root: &Path, what: Compare) -> BTreeMap<PathBuf, Entry> {
    let mut entries = BTreeMap::new();
    let mut left = vec![root.to_path_buf()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_path_buf();
            if path.is_dir() {
                if what == Compare::Everything {
                    entries.insert(name, Entry::Dir);
                }
                left.push(path);
            } else {
                entries.insert(name, Entry::File(fs::read(&path).unwrap()));
            }
        }
    }
    entries
}
