//! Messages and descriptors between processes: a pair of SOCK_SEQPACKET
//! sockets (unix(7)), where each message arrives whole or not at all.
//!
//! Leaves to others: what a message says.

use super::Result;
use super::error::{Error, check, check_length, retry};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// What came over a channel that carries descriptors.
#[derive(Debug)]
pub enum Received {
    /// One descriptor.
    Descriptor(OwnedFd),
    /// A message without exactly one descriptor.
    Nothing,
    /// The other end is closed.
    End,
}

/// Both ends of a new channel.
///
/// # Errors
/// socketpair's own.
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: `ends` has room for the two descriptors.
    check("socketpair", unsafe {
        libc::socketpair(
            libc::AF_UNIX,
            libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC,
            0,
            ends.as_mut_ptr(),
        )
    })?;
    let [one, other] = ends;
    // SAFETY: the kernel just returned both; nobody else has them.
    Ok(unsafe { (OwnedFd::from_raw_fd(one), OwnedFd::from_raw_fd(other)) })
}

/// Sends one message, without waiting for room.
///
/// # Errors
/// EAGAIN without room, EPIPE without the other end; send's own.
pub fn send(channel: BorrowedFd<'_>, message: &[u8]) -> Result<()> {
    retry(|| {
        // SAFETY: the pointer and length are those of one live slice.
        check_length("send", unsafe {
            libc::send(
                channel.as_raw_fd(),
                message.as_ptr().cast(),
                message.len(),
                libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT,
            )
        })
    })
    .map(drop)
}

/// Takes one message and gives its length, 0 when the other end is closed;
/// what does not fit is cut off. Waits for one.
///
/// # Errors
/// recv's own.
pub fn receive(channel: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    receive_by(channel, buffer, 0)
}

/// [`receive`] without waiting.
///
/// # Errors
/// EAGAIN when there is none; recv's own.
pub fn try_receive(channel: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    receive_by(channel, buffer, libc::MSG_DONTWAIT)
}

fn receive_by(channel: BorrowedFd<'_>, buffer: &mut [u8], flags: i32) -> Result<usize> {
    retry(|| {
        // SAFETY: the pointer and length are those of one live slice.
        check_length("recv", unsafe {
            libc::recv(
                channel.as_raw_fd(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                flags,
            )
        })
    })
}

/// Room for the header of one control message and a few descriptors, aligned
/// as a cmsghdr wants it.
#[repr(C, align(8))]
struct Control([u8; 64]);

/// The bytes one descriptor takes in a control message.
const DESCRIPTOR: u32 = 4;

/// Sends a descriptor (SCM_RIGHTS) with a message of one byte, without
/// waiting for room. The receiver gets one of its own to the same thing.
///
/// # Errors
/// EAGAIN without room, EPIPE without the other end, ETOOMANYREFS with too
/// many on their way; sendmsg's own.
pub fn send_descriptor(channel: BorrowedFd<'_>, passed: BorrowedFd<'_>) -> Result<()> {
    let mut byte = 0_u8;
    let mut part = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let mut control = Control([0; 64]);
    // SAFETY: msghdr is a plain struct, for which all zeros is a value. The
    // control buffer is larger than CMSG_SPACE of one descriptor and aligned,
    // so the first header and its data lie inside it; all pointers are to
    // values that live through the call.
    let sent = retry(|| unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control.0).cast();
        message.msg_controllen = libc::CMSG_SPACE(DESCRIPTOR) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() {
            return Err(Error::new("sendmsg", libc::EINVAL));
        }
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(DESCRIPTOR) as _;
        libc::CMSG_DATA(header)
            .cast::<RawFd>()
            .write_unaligned(passed.as_raw_fd());
        check_length(
            "sendmsg",
            libc::sendmsg(
                channel.as_raw_fd(),
                &raw const message,
                libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT,
            ),
        )
    });
    sent.map(drop)
}

/// Takes one message with a descriptor, without waiting. Every descriptor of
/// a message that has not exactly one is closed.
///
/// # Errors
/// EAGAIN when there is none; recvmsg's own.
pub fn receive_descriptor(channel: BorrowedFd<'_>) -> Result<Received> {
    let mut byte = 0_u8;
    let mut part = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let mut control = Control([0; 64]);
    // SAFETY: msghdr is a plain struct, for which all zeros is a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    let length = retry(|| {
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = (&raw mut control.0).cast();
        message.msg_controllen = size_of::<Control>() as _;
        // SAFETY: all pointers are to live values with the lengths given.
        check_length("recvmsg", unsafe {
            libc::recvmsg(
                channel.as_raw_fd(),
                &raw mut message,
                libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC,
            )
        })
    })?;
    // SAFETY: `message` is as the kernel filled it.
    let mut received = unsafe { descriptors(&message) };
    Ok(match received.pop() {
        Some(only) if received.is_empty() => Received::Descriptor(only),
        Some(_) => Received::Nothing,
        None if length == 0 => Received::End,
        None => Received::Nothing,
    })
}

/// Every descriptor in the control messages.
///
/// # Safety
/// `message` is as recvmsg(2) filled it, its buffers live, and this is called
/// once: each descriptor gets an owner here.
unsafe fn descriptors(message: &libc::msghdr) -> Vec<OwnedFd> {
    let mut found = Vec::new();
    // SAFETY: the kernel wrote well-formed headers into the control buffer,
    // and CMSG_FIRSTHDR and CMSG_NXTHDR stay inside it; what SCM_RIGHTS
    // carries are descriptors that are this process's from now on.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                let first = libc::CMSG_DATA(header).cast::<RawFd>();
                for index in 0..bytes / size_of::<RawFd>() {
                    let number = first.add(index).read_unaligned();
                    found.push(OwnedFd::from_raw_fd(number));
                }
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn messages_stay_apart_and_the_end_is_seen() {
        let (one, other) = pair().unwrap();
        send(one.as_fd(), b"first").unwrap();
        send(one.as_fd(), b"second").unwrap();
        drop(one);
        let mut buffer = [0; 16];
        for expected in [&b"first"[..], b"second", b""] {
            let length = receive(other.as_fd(), &mut buffer).unwrap();
            assert_eq!(&buffer[..length], expected);
        }
        assert_eq!(send(other.as_fd(), b"x").unwrap_err().errno(), libc::EPIPE);
    }

    #[test]
    fn a_descriptor_arrives_and_works() {
        let (one, other) = pair().unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        send_descriptor(one.as_fd(), far.as_fd()).unwrap();
        drop(far);
        let Received::Descriptor(far) = receive_descriptor(other.as_fd()).unwrap() else {
            panic!("no descriptor");
        };
        near.write_all(b"hello").unwrap();
        let mut text = [0; 5];
        UnixStream::from(far).read_exact(&mut text).unwrap();
        assert_eq!(&text, b"hello");
    }

    #[test]
    fn emptiness_end_and_a_bare_message_are_told_apart() {
        let (one, other) = pair().unwrap();
        assert!(receive_descriptor(other.as_fd()).unwrap_err().would_block());
        send(one.as_fd(), b"x").unwrap();
        assert!(matches!(
            receive_descriptor(other.as_fd()),
            Ok(Received::Nothing)
        ));
        drop(one);
        assert!(matches!(
            receive_descriptor(other.as_fd()),
            Ok(Received::End)
        ));
    }

    #[test]
    fn a_full_channel_does_not_wait() {
        let (one, _other) = pair().unwrap();
        let error = (0..100_000).find_map(|_| send_descriptor(one.as_fd(), one.as_fd()).err());
        assert!(error.unwrap().would_block());
    }
}
