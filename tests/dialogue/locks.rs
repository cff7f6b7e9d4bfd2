//! lock_upload_files: two uploads never mix, no download sees half of one,
//! and other programs' locks count.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;

use crate::atomic::begin;
use crate::support::data::read_all;
use crate::support::server::{Launch, Server};
use crate::support::tree::noise;

fn locking(options: &[(&str, &str)]) -> Server {
    Launch::new().writable().options(options).start()
}

#[test]
fn a_second_upload_waits_for_the_first_and_nothing_mixes() {
    let server = locking(&[]);
    let (mut one, mut two) = (server.anonymous(), server.anonymous());
    let first = begin(&mut one, "STOR file", &[b'1'; 10_000]);
    let mut second = two.passive();
    two.line("STOR file");
    server.wait_for_log("waits for its lock");
    assert!(server.root().read("file") == [b'1'; 10_000]);
    drop(first);
    one.expect(226);
    two.expect(150);
    second.write_all(&[b'2'; 5_000]).unwrap();
    drop(second);
    two.expect(226);
    assert!(server.root().read("file") == [b'2'; 5_000]);
}

#[test]
fn a_download_waits_for_an_upload_and_gets_all_of_it() {
    let server = locking(&[]);
    let (mut writer, mut reader) = (server.anonymous(), server.anonymous());
    let content = noise(500_000);
    let mut upload = begin(&mut writer, "STOR file", &content[..1000]);
    let download = reader.passive();
    reader.line("RETR file");
    server.wait_for_log("waits for its lock");
    upload.write_all(&content[1000..]).unwrap();
    drop(upload);
    writer.expect(226);
    let opening = reader.expect(150).text();
    assert!(opening.contains("(500000 bytes)"), "{opening}");
    assert!(read_all(download) == content);
    reader.expect(226);
}

#[test]
fn an_upload_waits_for_a_download_and_downloads_share() {
    let server = crate::abort::with_a_large_file(&[]);
    let (mut reader, mut writer) = (server.anonymous(), server.anonymous());
    let mut other = server.anonymous();
    let download = crate::abort::under_way(&mut reader);
    let shared = crate::abort::under_way(&mut other);
    let mut upload = writer.passive();
    writer.line("STOR large");
    server.wait_for_log("waits for its lock");
    for (mut control, data) in [(reader, download), (other, shared)] {
        control.line("ABOR");
        control.expect(426);
        control.expect_any(&[225, 226]);
        drop(data);
    }
    writer.expect(150);
    upload.write_all(b"short").unwrap();
    drop(upload);
    writer.expect(226);
    assert_eq!(server.root().read("large"), b"short");
}

#[test]
fn abor_ends_the_waiting_and_a_client_that_goes_frees_its_place() {
    let server = locking(&[("max_clients", "2")]);
    let mut one = server.anonymous();
    let first = begin(&mut one, "STOR file", b"first");
    let mut two = server.anonymous();
    let data = two.passive();
    two.line("STOR file");
    server.wait_for_log("waits for its lock");
    two.line("ABOR");
    two.expect(426);
    two.expect_any(&[225, 226]);
    two.goes_on();
    drop(data);
    let data = two.passive();
    two.line("RETR file");
    two.reset();
    crate::limits::until_admitted(&server).goes_on();
    drop((data, first));
    one.expect(226);
    assert_eq!(server.root().read("file"), b"first");
}

#[test]
fn without_the_option_nobody_waits() {
    let server = locking(&[("lock_upload_files", "NO")]);
    let (mut one, mut two) = (server.anonymous(), server.anonymous());
    let first = begin(&mut one, "STOR file", b"first");
    assert_eq!(two.retrieve("file"), b"first");
    two.store("file", b"second");
    drop(first);
    one.expect(226);
}

#[test]
fn a_file_deleted_before_its_lock_was_had_is_made_anew() {
    let server = locking(&[]);
    let (mut one, mut two) = (server.anonymous(), server.anonymous());
    let first = begin(&mut one, "STOR file", b"first");
    let mut second = two.passive();
    two.line("STOR file");
    server.wait_for_log("waits for its lock");
    std::fs::remove_file(server.root().path().join("file")).unwrap();
    two.expect(150);
    second.write_all(b"second").unwrap();
    drop(second);
    two.expect(226);
    drop(first);
    one.expect(226);
    assert_eq!(server.root().read("file"), b"second");
}

#[test]
fn atomic_uploads_neither_wait_for_downloads_nor_hold_them_up() {
    let server = crate::abort::with_a_large_file(&[("atomic_uploads", "YES")]);
    let (mut reader, mut writer) = (server.anonymous(), server.anonymous());
    let download = crate::abort::under_way(&mut reader);
    let upload = begin(&mut writer, "STOR large", b"half");
    let mut other = server.anonymous();
    other.store("large", b"whole");
    assert_eq!(other.retrieve("large"), b"whole");
    drop(upload);
    writer.expect(226);
    drop(download);
    reader.expect(426);
}

#[test]
fn two_who_add_to_a_file_both_have_added_in_the_end() {
    for atomic in ["NO", "YES"] {
        let server = locking(&[("atomic_uploads", atomic)]);
        server.root().file("file", "zero ");
        let (mut one, mut two) = (server.anonymous(), server.anonymous());
        let first = begin(&mut one, "APPE file", b"one ");
        let mut second = two.passive();
        two.line("APPE file");
        server.wait_for_log("waits for its lock");
        drop(first);
        one.expect(226);
        two.expect(150);
        second.write_all(b"two").unwrap();
        drop(second);
        two.expect(226);
        assert_eq!(server.root().read("file"), b"zero one two", "{atomic}");
    }
}

#[test]
fn many_additions_at_once_are_all_there_in_the_end() {
    for atomic in ["NO", "YES"] {
        let server = locking(&[("atomic_uploads", atomic)]);
        server.root().file("file", "");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut control = server.anonymous();
                    for _ in 0..25 {
                        control.give("APPE file", b"line\n");
                    }
                });
            }
        });
        assert_eq!(
            server.root().read("file"),
            b"line\n".repeat(100),
            "{atomic}"
        );
    }
}

#[test]
fn an_atomic_addition_heeds_those_who_write_and_not_those_who_read() {
    let options = [("atomic_uploads", "YES"), ("data_connection_timeout", "1")];
    let server = locking(&options);
    let path = server.root().file("file", "content");
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut control = server.anonymous();
    lock(&file, libc::F_WRLCK);
    for line in ["APPE file", "RETR file"] {
        control.refused(line, &[450]);
    }
    lock(&file, libc::F_RDLCK);
    control.give("APPE file", b" and more");
    assert_eq!(control.retrieve("file"), b"content and more");
}

/// Takes a lock as vsftpd and other programs do (F_SETLK).
fn lock(file: &File, kind: libc::c_int) {
    // SAFETY: flock is a plain struct of integers; it outlives the call.
    let result = unsafe {
        let mut lock: libc::flock = std::mem::zeroed();
        lock.l_type = kind as libc::c_short;
        libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock)
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn locks_of_other_programs_count_and_waiting_has_an_end() {
    let server = locking(&[("data_connection_timeout", "1")]);
    let path = server.root().file("file", "content");
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut control = server.anonymous();
    lock(&file, libc::F_RDLCK);
    assert_eq!(control.retrieve("file"), b"content");
    for line in ["STOR file", "APPE file"] {
        control.refused(line, &[450]);
        control.goes_on();
    }
    lock(&file, libc::F_WRLCK);
    control.refused("RETR file", &[450]);
    lock(&file, libc::F_UNLCK);
    control.store("file", b"new");
    assert_eq!(server.root().read("file"), b"new");
}
