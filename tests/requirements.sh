#!/bin/sh
# What the tests need from the machine: checked, and installed from Debian's
# archive where that is allowed (as root, or by sudo without a password).
# Otherwise it names what is missing and the one command to type, and exits 1.
# Where all is there it asks no package manager anything.
set -eu
cd "$(dirname "$0")/.."
# A user's PATH on Debian leaves out the folder nft lives in.
PATH=$PATH:/usr/sbin:/sbin
export PATH

# command, Debian package, what for
needs='
cc          gcc         linking; crypt(3) test program
curl        curl        client tests
wget        wget        client tests
lftp        lftp        client tests
tnftp       tnftp       client tests
ncftpget    ncftp       client tests
rclone      rclone      client tests
node        nodejs      client tests with basic-ftp
npm         npm         that fetched
python3     python3     client tests with ftplib
strace      strace      system calls counted, failures of the disk
ss          iproute2    sockets looked at
ip          iproute2    networks rebuilt
nft         nftables    firewalls and address translation in them
unshare     util-linux  a hosts file for one server
ps          procps      threads and memory of the server
prlimit     util-linux  limits set on the server
mount       mount       a full disk to write to
mkfs.btrfs  btrfs-progs files that share blocks
useradd     passwd      accounts that exist for a moment
mandoc      mandoc      manual pages checked
fail2ban-regex fail2ban log lines read by a program of others
socat       socat       servers started for each client
tcpserver   ucspi-tcp   the same
script      bsdutils    a terminal to be left
systemd-socket-activate systemd sockets handed over, units judged
man         man-db      manual pages shown
logrotate   logrotate   logs renamed
dpkg-shlibdeps dpkg-dev Debian package built
zsh         zsh         completions
fish        fish        completions
lintian     lintian     Debian package checked
debootstrap debootstrap a fresh Debian to install the package in
systemd-nspawn systemd-container systemd started in it
'

missing_packages() {
    echo "$needs" | while read -r command package _; do
        if [ -n "$command" ] && ! command -v "$command" >/dev/null 2>&1; then
            echo "$package"
        fi
    done
    # Headers and libraries have no command to look for: link something.
    if command -v cc >/dev/null 2>&1 && ! links_with_crypt; then
        echo libc6-dev
        echo libcrypt-dev
    elif ! command -v cc >/dev/null 2>&1; then
        echo libc6-dev
        echo libcrypt-dev
    fi
}

links_with_crypt() {
    scratch=$(mktemp -d)
    printf '#include <crypt.h>\nint main(void){return crypt("a","b")!=0;}\n' >"$scratch/t.c"
    if cc -o "$scratch/t" "$scratch/t.c" -lcrypt 2>/dev/null; then linked=0; else linked=1; fi
    rm -r "$scratch"
    return $linked
}

# $1 is empty or "sudo -n". An image fresh from the mirror has no package lists.
install_packages() {
    privilege=$1
    shift
    set -- install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
    # shellcheck disable=SC2086 # two words, or none
    $privilege env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null && return
    # shellcheck disable=SC2086
    $privilege apt-get update </dev/null &&
        $privilege env DEBIAN_FRONTEND=noninteractive apt-get "$@" </dev/null
}

check_rust() {
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! command -v cargo >/dev/null 2>&1; then
        echo "cargo is missing: install Rust $wanted or newer, see https://rustup.rs" >&2
        exit 1
    fi
    found=$(cargo --version | cut -d' ' -f2)
    oldest=$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)
    if [ "$oldest" != "$wanted" ]; then
        echo "cargo $found is too old: install Rust $wanted or newer, see https://rustup.rs" >&2
        exit 1
    fi
}

check_rust
missing=$(missing_packages | sort -u | tr '\n' ' ')
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null 2>&1; then
    echo "The tests need what is not installed here: $missing"
    # shellcheck disable=SC2086 # a list of packages
    if [ "$(id -u)" -eq 0 ]; then
        install_packages "" $missing || true
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        install_packages "sudo -n" $missing || true
    fi
    missing=$(missing_packages | sort -u | tr '\n' ' ')
    [ -n "$missing" ] || exit 0
fi

echo "Missing for the tests: $missing" >&2
echo "On Debian: sudo apt-get update && sudo apt-get install -y $missing" >&2
exit 1
