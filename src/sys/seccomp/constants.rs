//! The constants that conditions in `etc/seccomp.list` may name.

/// What `name` stands for; the values are those of this architecture.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unnecessary_cast,
    reason = "libc gives each constant another type, which differs between C libraries; \
              every value here is positive and fits"
)]
pub(super) fn value(name: &str) -> Option<u32> {
    macro_rules! of_libc {
        ($($constant:ident)*) => {
            match name {
                "OWN_PROCESS" => std::process::id(),
                "ALL_ONES" => u32::MAX,
                // Which bits of a socket's type are its type (the others are flags).
                "SOCK_TYPE" => 15,
                // A thread of this process, in no new namespace, untraced.
                "CLONE_KINDS" => (libc::CLONE_THREAD
                    | libc::CLONE_VFORK
                    | libc::CLONE_PTRACE
                    | libc::CLONE_PARENT
                    | libc::CLONE_NEWNS
                    | libc::CLONE_NEWCGROUP
                    | libc::CLONE_NEWUTS
                    | libc::CLONE_NEWIPC
                    | libc::CLONE_NEWUSER
                    | libc::CLONE_NEWPID
                    | libc::CLONE_NEWNET) as u32,
                // Two names in <linux/sockios.h>, one value.
                "SIOCOUTQ" => libc::TIOCOUTQ as u32,
                "SIOCATMARK" => 0x8905,
                $(stringify!($constant) => libc::$constant as u32,)*
                _ => return None,
            }
        };
    }
    Some(of_libc! {
        AF_INET AF_INET6 AF_NETLINK AF_UNIX
        CLONE_THREAD
        FICLONE FIOCLEX FIONBIO FIONREAD
        F_DUPFD_CLOEXEC F_GETFD F_GETFL F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW F_SETFD F_SETFL F_SETLK
        IPPROTO_IP IPPROTO_IPV6 IPPROTO_TCP
        IPV6_TCLASS IPV6_V6ONLY IP_BIND_ADDRESS_NO_PORT IP_TOS
        MSG_FASTOPEN
        PROT_EXEC
        PR_CAPBSET_DROP PR_CAPBSET_READ PR_CAP_AMBIENT PR_GET_NO_NEW_PRIVS PR_GET_SECUREBITS
        PR_SET_DUMPABLE PR_SET_NAME PR_SET_NO_NEW_PRIVS PR_SET_VMA
        SECCOMP_SET_MODE_FILTER
        SOCK_DGRAM SOCK_STREAM SOL_SOCKET
        SO_KEEPALIVE SO_LINGER SO_OOBINLINE SO_PEERCRED SO_RCVBUF SO_RCVTIMEO SO_REUSEADDR SO_REUSEPORT
        SO_SNDBUF SO_SNDTIMEO
        TCP_CORK TCP_KEEPCNT TCP_KEEPIDLE TCP_KEEPINTVL TCP_NODELAY TCP_QUICKACK TCP_USER_TIMEOUT
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_have_the_kernel_s_values() {
        for (name, wanted) in [
            ("AF_INET6", 10),
            ("PROT_EXEC", 4),
            ("CLONE_THREAD", 0x1_0000),
            ("SIOCOUTQ", 0x5411),
            ("FIONREAD", 0x541B),
            ("FICLONE", 0x4004_9409),
            ("PR_SET_VMA", 0x5356_4d41),
        ] {
            assert_eq!(value(name), Some(wanted), "{name}");
        }
        assert_eq!(value("AF_VSOCK"), None);
    }
}
