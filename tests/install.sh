#!/bin/sh
# `make install` and `make uninstall`, tried in a scratch folder: every file
# at its place with its mode, an existing configuration untouched, and nothing
# left behind. It takes the programs `cargo test` has built, to spare a release
# build; the installing is the same.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
binaries=${CARGO_TARGET_DIR:-target}/debug
if [ ! -x "$binaries/ironftpd" ] || [ ! -x "$binaries/ironftpctl" ]; then
    cargo build --locked --bins
fi

fail() {
    echo "tests/install.sh: $1" >&2
    [ ! -f "$scratch/log" ] || cat "$scratch/log" >&2
    exit 1
}

# run TARGET [VARIABLE=VALUE...]; a make that calls this script has its own
# variables in the environment, which are not meant for this one.
run() {
    env -u MAKEFLAGS -u MAKELEVEL -u PREFIX -u SBINDIR -u MANDIR -u DOCDIR -u SYSCONFDIR \
        -u UNITDIR -u SYSUSERSDIR -u PAMDIR -u PAMSTACK \
        make --no-print-directory BINARIES="$binaries" CARGO=false "$@" >"$scratch/log" 2>&1 ||
        fail "make $* failed"
}

files_below() {
    (cd "$1" && find . ! -type d -printf '%m %p\n' | sort -k 2)
}

same() { # expected, found, what
    printf '%s\n' "$1" >"$scratch/expected"
    printf '%s\n' "$2" >"$scratch/found"
    diff -u "$scratch/expected" "$scratch/found" >&2 || fail "$3"
}

expected_files() { # prefix, sysconfdir
    cat <<END | sort -k 2
644 .$2/ironftpd.conf
644 .$2/pam.d/ironftpd
644 .$1/lib/systemd/system/ironftpd.service
644 .$1/lib/sysusers.d/ironftpd.conf
755 .$1/sbin/ironftpd
755 .$1/sbin/ironftpctl
644 .$1/share/doc/ironftpd/CHANGELOG.md
644 .$1/share/doc/ironftpd/LICENSE-APACHE
644 .$1/share/doc/ironftpd/LICENSE-MIT
644 .$1/share/doc/ironftpd/README.md
644 .$1/share/doc/ironftpd/ironftpd.conf
644 .$1/share/doc/ironftpd/ironftpd.pam
644 .$1/share/man/man5/ironftpd.conf.5
644 .$1/share/man/man7/ironftpd-security.7
644 .$1/share/man/man8/ironftpctl.8
644 .$1/share/man/man8/ironftpd.8
END
}

# Everything at its default place, whatever the umask, and again over itself.
(umask 077 && run install DESTDIR="$scratch/plain")
same "$(expected_files /usr/local /etc)" "$(files_below "$scratch/plain")" "files installed by default"
cmp -s "$binaries/ironftpd" "$scratch/plain/usr/local/sbin/ironftpd" || fail "another ironftpd was installed"
run install DESTDIR="$scratch/plain"
grep -q 'is there already and stays' "$scratch/log" || fail "a kept configuration is not mentioned"
same "$(expected_files /usr/local /etc)" "$(files_below "$scratch/plain")" "files after a second install"

# The unit starts what was installed, where it was installed.
unit=lib/systemd/system/ironftpd.service
grep -q '^ExecStart=/usr/local/sbin/ironftpd .*/etc/ironftpd.conf$' "$scratch/plain/usr/local/$unit" ||
    fail "ExecStart of the default unit"
set -- DESTDIR="$scratch/moved" PREFIX=/opt/ftp SYSCONFDIR=/opt/ftp/etc
run install "$@"
same "$(expected_files /opt/ftp /opt/ftp/etc)" "$(files_below "$scratch/moved")" "files below another PREFIX"
grep -q '^ExecStart=/opt/ftp/sbin/ironftpd .*/opt/ftp/etc/ironftpd.conf$' "$scratch/moved/opt/ftp/$unit" ||
    fail "ExecStart of the moved unit"

# An unchanged configuration goes with the rest; folders alone remain.
run uninstall "$@"
same "" "$(files_below "$scratch/moved")" "files left after uninstall"
[ ! -e "$scratch/moved/opt/ftp/share/doc/ironftpd" ] || fail "the documents' folder is left"
run uninstall "$@"

# A changed one survives both, byte for byte, and so does a PAM file.
echo 'anon_root=/srv/mine' >"$scratch/plain/etc/ironftpd.conf"
echo 'auth required pam_deny.so' >"$scratch/plain/etc/pam.d/ironftpd"
run install DESTDIR="$scratch/plain"
grep -q 'pam.d/ironftpd is there already and stays' "$scratch/log" || fail "a kept PAM file is not mentioned"
run uninstall DESTDIR="$scratch/plain"
same "644 ./etc/ironftpd.conf
644 ./etc/pam.d/ironftpd" "$(files_below "$scratch/plain")" "files left beside a changed configuration"
same "anon_root=/srv/mine" "$(cat "$scratch/plain/etc/ironftpd.conf")" "the changed configuration"
same "auth required pam_deny.so" "$(cat "$scratch/plain/etc/pam.d/ironftpd")" "the changed PAM file"

# The PAM file includes what the system has: Debian's files or Red Hat's one.
run install DESTDIR="$scratch/debian" PAMSTACK=
cmp -s etc/pam.d/ironftpd "$scratch/debian/etc/pam.d/ironftpd" || fail "Debian's PAM file"
run install DESTDIR="$scratch/redhat" PAMSTACK=password-auth
same "auth      include   password-auth
account   include   password-auth
session   include   password-auth" "$(grep '  include  ' "$scratch/redhat/etc/pam.d/ironftpd")" "Red Hat's PAM file"
run uninstall DESTDIR="$scratch/redhat" PAMSTACK=password-auth
same "" "$(files_below "$scratch/redhat")" "files left after uninstall with another PAM file"

# A dangling link is somebody's choice as well.
mkdir -p "$scratch/linked/etc"
ln -s /nowhere/ironftpd.conf "$scratch/linked/etc/ironftpd.conf"
run install DESTDIR="$scratch/linked"
[ -L "$scratch/linked/etc/ironftpd.conf" ] || fail "a link in place of the configuration was replaced"

# systemd reads the unit without complaint, where systemd is there to ask. Its
# program and account need not exist here, nor the manual pages.
if command -v systemd-analyze >/dev/null 2>&1; then
    run install DESTDIR="$scratch/unit"
    sed -i 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$scratch/unit/usr/local/$unit"
    complaints=$(systemd-analyze verify --man=no "$scratch/unit/usr/local/$unit" 2>&1 |
        grep 'ironftpd.service' || true)
    [ -z "$complaints" ] || fail "systemd-analyze verify: $complaints"
else
    echo "systemd unit not verified: no systemd-analyze (package systemd)" >>"${IRONFTPD_NOT_RUN:-/dev/stdout}"
fi
echo "make install and make uninstall: passed"
