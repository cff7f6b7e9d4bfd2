#!/bin/sh
# `make install` and `make uninstall`, tried in a scratch folder: every file of
# tests/install.list at its place with its mode, what was changed untouched, and
# nothing left behind. It takes the programs `cargo test` has built, to spare a
# release build; the installing is the same.
set -eu
cd "$(dirname "$0")/.."

# A shell cannot hear a signal that was ignored when it began, as nohup(1) has
# SIGHUP ignored, by which a rotation is told below.
if [ -z "${HEARS_HUP:-}" ] && env --default-signal=HUP true 2>/dev/null; then
    exec env --default-signal=HUP HEARS_HUP=yes sh tests/install.sh
fi

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

left_out() {
    echo "$1" >>"${IRONFTPD_NOT_RUN:-/dev/stdout}"
}

# run TARGET [VARIABLE=VALUE...]; a make that calls this script has its own
# variables in the environment, which are not meant for this one.
run() {
    env -u MAKEFLAGS -u MAKELEVEL -u PREFIX -u SBINDIR -u MANDIR -u DOCDIR -u SYSCONFDIR \
        -u UNITDIR -u SYSUSERSDIR -u TMPFILESDIR -u PAMDIR -u PAMSTACK -u XINETDDIR -u LOGROTATEDIR \
        -u BASHDIR -u ZSHDIR -u FISHDIR \
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
    sed -n -e "s|PREFIX|.$1|" -e "s|SYSCONFDIR|.$2|" -e '/^[0-7]/p' tests/install.list | sort -k 2
}

# Everything at its default place, whatever the umask, and again over itself.
(umask 077 && run install DESTDIR="$scratch/plain")
same "$(expected_files /usr/local /etc)" "$(files_below "$scratch/plain")" "files installed by default"
cmp -s "$binaries/ironftpd" "$scratch/plain/usr/local/sbin/ironftpd" || fail "another ironftpd was installed"
run install DESTDIR="$scratch/plain"
! grep -q 'stays' "$scratch/log" || fail "an unchanged file is said to stay"
same "$(expected_files /usr/local /etc)" "$(files_below "$scratch/plain")" "files after a second install"

# What starts the server starts the one that was installed, with the file that
# was installed.
starts() { # root, prefix, sysconfdir
    commands=$(grep -rhoE '/[^ [:blank:]]*/sbin/ironftpd\b' "$1$2/lib/systemd" "$1$2/share/doc/ironftpd/examples" "$1$3/xinetd.d")
    same "$2/sbin/ironftpd" "$(echo "$commands" | sort -u)" "programs that are started"
    files=$(grep -rhoE '/[^ [:blank:]]*/ironftpd\.conf$' "$1$2/lib/systemd" "$1$3/xinetd.d")
    same "$3/ironftpd.conf" "$(echo "$files" | sort -u)" "configuration files that are read"
}
starts "$scratch/plain" /usr/local /etc
set -- DESTDIR="$scratch/moved" PREFIX=/opt/ftp SYSCONFDIR=/opt/ftp/etc
run install "$@"
same "$(expected_files /opt/ftp /opt/ftp/etc)" "$(files_below "$scratch/moved")" "files below another PREFIX"
starts "$scratch/moved" /opt/ftp /opt/ftp/etc

# An unchanged configuration goes with the rest; folders alone remain.
run uninstall "$@"
same "" "$(files_below "$scratch/moved")" "files left after uninstall"
[ ! -e "$scratch/moved/opt/ftp/share/doc/ironftpd" ] || fail "the documents' folder is left"
run uninstall "$@"

# A changed one survives both, byte for byte, and is spoken of.
settings="ironftpd.conf logrotate.d/ironftpd pam.d/ironftpd xinetd.d/ironftpd"
for file in $settings; do
    echo "# mine, not that of $file" >"$scratch/plain/etc/$file"
done
cp -a "$scratch/plain/etc" "$scratch/changed"
run install DESTDIR="$scratch/plain"
for file in $settings; do
    grep -q "/etc/$file was changed and stays; the sample is .*examples/$file\$" "$scratch/log" ||
        fail "a kept $file is not mentioned"
done
run uninstall DESTDIR="$scratch/plain"
diff -r "$scratch/changed" "$scratch/plain/etc" >&2 || fail "changed files were touched"
same "" "$(find "$scratch/plain/usr" ! -type d)" "files left beside a changed configuration"

# One that only an older version put there, and nobody changed, is replaced.
run install DESTDIR="$scratch/older"
for file in $settings; do
    echo "# of an older version" >"$scratch/older/etc/$file"
    cp "$scratch/older/etc/$file" "$scratch/older/usr/local/share/doc/ironftpd/examples/$file"
done
run install DESTDIR="$scratch/older"
cmp -s etc/ironftpd.conf "$scratch/older/etc/ironftpd.conf" || fail "an unchanged file was not replaced"
run uninstall DESTDIR="$scratch/older"
same "" "$(files_below "$scratch/older")" "files left of an older version"

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

# man(1) finds each page by its name and section, and shows it without complaint.
run install DESTDIR="$scratch/tools"
if command -v man >/dev/null 2>&1; then
    for page in man/*; do
        name=$(basename "${page%.*}") section=${page##*.}
        manual() {
            MANPATH="$scratch/tools/usr/local/share/man" MANWIDTH=80 LC_ALL=C.UTF-8 \
                man --warnings=all,mac "$section" "$name" 2>"$scratch/log" </dev/null
        }
        shown=$(manual) || fail "man $section $name"
        [ ! -s "$scratch/log" ] || fail "man $section $name complains"
        echo "$shown" | grep -q '^SEE ALSO' || fail "man $section $name does not show its end"
    done
else
    left_out "manual pages not shown by man(1): no man (package man-db)"
fi

# systemd reads the units without complaint, where it is there to ask. Their
# program and account need not exist here.
if command -v systemd-analyze >/dev/null 2>&1; then
    units=$scratch/tools/usr/local/lib/systemd/system
    sed -i 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$units"/*.service
    # One older than 253 does not know notify-reload, and the units say so.
    complaints=$(systemd-analyze verify --man=no "$units"/* 2>&1 |
        grep 'ironftpd' | grep -v 'notify-reload$' || true)
    [ -z "$complaints" ] || fail "systemd-analyze verify: $complaints"
else
    left_out "systemd units not verified: no systemd-analyze (package systemd)"
fi

# logrotate renames logs and says so to nobody but the server; another snippet
# for the same file, such as vsftpd's, harms nothing.
if command -v logrotate >/dev/null 2>&1; then
    logs=$scratch/logs
    mkdir "$logs"
    echo line | tee "$logs/vsftpd.log" >"$logs/xferlog"
    chmod 640 "$logs"/*
    sed -e "s|/var/log/|$logs/|g" -e "s|/run/ironftpd.pid|$scratch/pid|" \
        -e 's|\[ -d /run/systemd/system \]|false|' etc/logrotate.d/ironftpd >"$scratch/rotate"
    printf "%s {\n\tweekly\n}\n" "$logs/vsftpd.log" >"$scratch/rotate.vsftpd"
    # The shell that reads this stands for the server.
    hupped=no
    trap 'hupped=yes' HUP
    echo $$ >"$scratch/pid"
    logrotate --force --state "$scratch/state" "$scratch/rotate" "$scratch/rotate.vsftpd" >"$scratch/log" 2>&1 ||
        fail "logrotate"
    trap - HUP
    [ ! -s "$scratch/log" ] || fail "logrotate complains"
    [ "$hupped" = yes ] || fail "the server was not told of the rotation"
    same "640 ./vsftpd.log
640 ./vsftpd.log.1
640 ./xferlog
640 ./xferlog.1" "$(files_below "$logs")" "files after a rotation"
else
    left_out "log rotation not tried: no logrotate"
fi
echo "make install and make uninstall: passed"
