//! A log file that is renamed, cut off, locked by others, and a disk that
//! takes half a line.

use super::super::outlet::Sink;
use super::*;
use std::io::Write;

/// A path of its own in a directory of its own.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let directory = format!("ironftpd-log-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(directory);
        fs::create_dir_all(&directory).unwrap();
        Place(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn open(&self) -> LogFile {
        LogFile::open("option", &self.path("log"), true).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn write(log: &mut LogFile, lines: &str) {
    log.take(lines);
    log.flush();
}

#[test]
fn lines_are_appended_to_what_is_there() {
    let place = Place::new("append");
    fs::write(place.path("log"), "before\n").unwrap();
    let mut log = place.open();
    log.take("one\n");
    log.take("two\n");
    assert_eq!(place.text("log"), "before\n", "not yet");
    log.flush();
    assert_eq!(place.text("log"), "before\none\ntwo\n");
}

#[test]
fn a_file_that_is_renamed_is_left_once_another_has_its_name() {
    let place = Place::new("rename");
    let mut log = place.open();
    write(&mut log, "one\n");
    fs::rename(place.path("log"), place.path("log.1")).unwrap();
    write(&mut log, "two\n");
    assert!(!place.path("log").exists(), "who rotates makes it");
    fs::write(place.path("log"), "").unwrap();
    write(&mut log, "three\n");
    assert_eq!(place.text("log.1"), "one\ntwo\n");
    assert_eq!(place.text("log"), "three\n");
}

#[test]
fn told_to_reopen_it_makes_the_file_itself() {
    let place = Place::new("reopen");
    let mut log = place.open();
    write(&mut log, "one\n");
    fs::rename(place.path("log"), place.path("log.1")).unwrap();
    log.reopen();
    write(&mut log, "two\n");
    assert_eq!(
        (place.text("log.1"), place.text("log")),
        ("one\n".into(), "two\n".into())
    );
}

#[test]
fn where_the_new_file_cannot_be_opened_the_old_one_goes_on() {
    let place = Place::new("refused");
    let mut log = place.open();
    fs::rename(place.path("log"), place.path("log.1")).unwrap();
    // What not even root opens for writing.
    fs::create_dir(place.path("log")).unwrap();
    write(&mut log, "one\n");
    log.reopen();
    write(&mut log, "two\n");
    assert_eq!(place.text("log.1"), "one\ntwo\n");
    fs::remove_dir(place.path("log")).unwrap();
    log.reopen();
    write(&mut log, "three\n");
    assert_eq!(place.text("log"), "three\n");
}

#[test]
fn a_file_that_is_cut_off_goes_on_at_its_beginning() {
    let place = Place::new("truncate");
    let mut log = place.open();
    write(&mut log, "one\n");
    let other = File::options().write(true).open(place.path("log")).unwrap();
    other.set_len(0).unwrap();
    write(&mut log, "two\n");
    assert_eq!(place.text("log"), "two\n");
}

#[test]
fn who_has_the_lock_is_waited_for() {
    let place = Place::new("lock");
    let mut log = place.open();
    let other = File::options()
        .append(true)
        .open(place.path("log"))
        .unwrap();
    lock::wait_for_write_lock(other.as_fd()).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(&mut log, "late\n"));
        (&other).write_all(b"early\n").unwrap();
        lock::release(other.as_fd());
        writer.join().unwrap();
    });
    assert_eq!(place.text("log"), "early\nlate\n");
}

#[test]
fn a_line_that_was_begun_is_finished_and_what_came_after_is_lost() {
    let place = Place::new("torn");
    let mut log = place.open();
    // As a disk leaves it that took half a line.
    (&log.file).write_all(b"beg").unwrap();
    log.torn = Some(3);
    log.take("un\nlost\nlost\n");
    log.fail(&io::Error::from_raw_os_error(libc::ENOSPC));
    assert_eq!((log.lost, log.told), (2, true));
    log.take("next\n");
    log.fail(&io::Error::from_raw_os_error(libc::ENOSPC));
    assert_eq!(log.lost, 3);
    write(&mut log, "again\n");
    assert_eq!(place.text("log"), "begun\nagain\n");
    assert_eq!((log.lost, log.told), (0, false));
}

#[test]
fn the_rest_of_a_line_goes_to_no_file_without_its_beginning() {
    let place = Place::new("rest");
    let mut log = place.open();
    log.torn = Some(3);
    log.waiting = b"un\n".to_vec();
    write(&mut log, "again\n");
    assert_eq!(place.text("log"), "again\n");
}
