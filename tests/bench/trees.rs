//! The files the servers serve: made at the start, removed at the end, also
//! when the run is cut short.
//!
//! Most cases use a tree in memory (/dev/shm), so that no disk is measured by
//! accident; the disk has a tree of its own with nothing but room to upload.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::cases::{Place, Sizes};
use crate::sys;

/// The directories to list, smaller and larger, under the root.
pub const LISTED: [&str; 2] = ["listed", "listed-more"];

/// A directory of 20 entries.
pub const FEW: &str = "few";

/// The small file of that number, as a pathname in the root.
pub fn small(number: usize) -> String {
    format!("small/f{number:05}")
}

/// Where the trees are.
pub struct Trees {
    /// Root of nearly all cases.
    pub memory: PathBuf,
    /// Root of the upload to disk.
    pub disk: PathBuf,
    /// The big file, in `memory`.
    pub big: PathBuf,
    /// What is to be said about them in the report.
    pub note: Option<String>,
    places: [PathBuf; 2],
}

impl Trees {
    /// Fills both trees; `disk` is a directory on a disk with some GiB of room.
    pub fn build(disk: &Path, sizes: &Sizes) -> io::Result<Trees> {
        let name = format!("ftp-bench-{}", std::process::id());
        // The big file, its upload, and the one that warms the page cache.
        let wanted = 3 * sizes.big + (256 << 20);
        let in_memory = sys::room(c"/dev/shm") > wanted;
        let note = (!in_memory).then(|| {
            format!(
                "/dev/shm has not {} MiB free: the tmpfs rows are on disk too",
                wanted >> 20
            )
        });
        let fast = if in_memory {
            Path::new("/dev/shm")
        } else {
            disk
        };
        let places = [
            fast.join(format!("{name}-memory")),
            disk.join(format!("{name}-disk")),
        ];
        let trees = Trees {
            memory: places[0].join("memory"),
            disk: places[1].join("disk"),
            big: places[0].join("memory/big"),
            note,
            places,
        };
        for root in [&trees.memory, &trees.disk] {
            fs::create_dir_all(root)?;
            // Servers that give up root for their clients must be able to write here.
            let upload = root.join("upload");
            fs::create_dir(&upload)?;
            fs::set_permissions(&upload, Permissions::from_mode(0o777))?;
        }
        trees.fill(sizes)?;
        Ok(trees)
    }

    fn fill(&self, sizes: &Sizes) -> io::Result<()> {
        let block: Vec<u8> = (0..1_u32 << 20)
            .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let write = |path: &Path, bytes: u64| {
            let mut file = File::create(path)?;
            (0..bytes >> 20).try_for_each(|_| file.write_all(&block))
        };
        // All the memory the run will need, had once: see `with_upload_room`.
        let warm = self.memory.join("upload/warm");
        write(&warm, 2 * sizes.big)?;
        write(&self.big, sizes.big)?;
        fs::remove_file(&warm)?;
        fs::create_dir(self.memory.join("small"))?;
        for number in 0..sizes.files {
            fs::write(self.memory.join(small(number)), &block[..1024])?;
        }
        let listed = LISTED.iter().copied().zip(sizes.entries);
        for (dir, entries) in listed.chain([(FEW, 20)]) {
            let dir = self.memory.join(dir);
            fs::create_dir(&dir)?;
            for number in 0..entries {
                File::create(dir.join(format!("entry-{number:06}.dat")))?;
            }
        }
        Ok(())
    }

    /// What is served at a place.
    pub fn root(&self, place: Place) -> &Path {
        match place {
            Place::Disk => &self.disk,
            Place::Memory | Place::Users(_) | Place::Tls => &self.memory,
        }
    }

    /// The smaller (0) or larger (1) directory to list.
    pub fn listed(&self, which: usize) -> PathBuf {
        self.memory.join(LISTED[which])
    }

    /// Both trees' own directories, for removal on a signal.
    pub fn places(&self) -> [PathBuf; 2] {
        self.places.clone()
    }
}

impl Drop for Trees {
    fn drop(&mut self) {
        self.places
            .iter()
            .for_each(|place| drop(fs::remove_dir_all(place)));
    }
}

/// Removes every file of a directory.
pub fn empty(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let _ = fs::remove_file(entry.path());
    }
}
