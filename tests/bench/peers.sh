#!/bin/sh
# Gets the servers that `cargo bench --bench ftp` measures ironftpd beside:
#
#   vsftpd      from Debian, unpacked (not installed: it conflicts with the next)
#   pure-ftpd   from Debian, unpacked
#   proftpd     from Debian, unpacked with its libraries; measured under TLS alone
#   pyftpdlib   from PyPI, in a virtual environment
#
# All of it goes under target/bench-peers (or the directory given as the one
# argument), nothing is started, and no account or service of the system is
# touched; shared libraries the two Debian binaries lack are the one thing it
# installs, and only as root. What could not be had is said here and left in
# NAME.missing, which the benchmark prints in that server's column.

set -u
cd "$(dirname "$0")/../.." || exit 1
peers=${1:-${CARGO_TARGET_DIR:-target}/bench-peers}
mkdir -p "$peers" || exit 1
peers=$(cd "$peers" && pwd)
missing=0

# lacks NAME REASON: leaves the reason for the report and goes on.
lacks() {
    echo "peers: $1: $2" >&2
    echo "$2" >"$peers/$1.missing"
    missing=$((missing + 1))
}

# libraries_of BINARY: the shared libraries the loader does not find.
libraries_of() {
    ldd "$1" 2>/dev/null | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p' | tr '\n' ' '
}

# debian NAME BINARY: unpacks the package NAME and sees that BINARY loads.
debian() {
    name=$1 binary=$peers/$1/$2
    rm -f "$peers/$name.missing"
    if [ ! -x "$binary" ]; then
        for tool in apt-get dpkg-deb; do
            command -v "$tool" >/dev/null || { lacks "$name" "no $tool here: not a Debian"; return; }
        done
        mkdir -p "$peers/deb"
        rm -f "$peers/deb/${name}_"*.deb
        # _apt, the user apt downloads as, may not be let into this directory:
        # apt then warns and downloads as root, which is all the same to us.
        if ! (cd "$peers/deb" && apt-get -q download "$name" >apt.log 2>&1); then
            # A fresh container has no package lists yet.
            if [ "$(id -u)" = 0 ]; then apt-get -q update >/dev/null 2>&1; fi
            (cd "$peers/deb" && apt-get -q download "$name" >apt.log 2>&1) ||
                { lacks "$name" "apt-get download $name failed: $(tail -n 1 "$peers/deb/apt.log")"; return; }
        fi
        rm -rf "${peers:?}/$name"
        dpkg-deb -x "$peers/deb/${name}_"*.deb "$peers/$name" ||
            { lacks "$name" "dpkg-deb could not unpack it"; return; }
    fi
    wants=$(libraries_of "$binary")
    if [ -n "$wants" ]; then
        libraries=$(dpkg-deb -f "$peers/deb/${name}_"*.deb Depends | tr ',' '\n' |
            sed -n 's/^ *\(lib[^ |]*\).*/\1/p' | tr '\n' ' ')
        if [ "$(id -u)" = 0 ]; then
            # shellcheck disable=SC2086 # a list of names, meant to be split
            DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $libraries \
                >"$peers/deb/apt.log" 2>&1
        fi
        wants=$(libraries_of "$binary")
        [ -z "$wants" ] ||
            { lacks "$name" "lacks $wants(as root: apt-get install $libraries)"; return; }
    fi
    echo "peers: $name: $binary"
}

# Python's own venv needs Debian's python3-venv; a Python from elsewhere has it.
python() {
    rm -f "$peers/pyftpdlib.missing"
    venv=$peers/pyftpdlib
    if ! "$venv/bin/python" -c 'import pyftpdlib' 2>/dev/null; then
        command -v python3 >/dev/null || { lacks pyftpdlib "no python3 (apt-get install python3-venv)"; return; }
        if ! python3 -m venv --clear "$venv" >"$peers/venv.log" 2>&1; then
            if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
                DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends python3-venv \
                    >>"$peers/venv.log" 2>&1
            fi
            python3 -m venv --clear "$venv" >>"$peers/venv.log" 2>&1 ||
                { lacks pyftpdlib "python3 -m venv failed (apt-get install python3-venv)"; return; }
        fi
        "$venv/bin/python" -m pip install -q --disable-pip-version-check pyftpdlib >"$peers/pip.log" 2>&1 ||
            { lacks pyftpdlib "pip install pyftpdlib failed: $(tail -n 1 "$peers/pip.log")"; return; }
    fi
    echo "peers: pyftpdlib: $("$venv/bin/python" -c 'import pyftpdlib; print(pyftpdlib.__ver__)') in $venv"
}

# ProFTPD's TLS is a package of its own, and it wants libraries that hardly
# any machine has: they are unpacked beside it.
proftpd() {
    rm -f "$peers/proftpd.missing"
    binary=$peers/proftpd/usr/sbin/proftpd
    if [ ! -e "$peers/proftpd/usr/lib/proftpd/mod_tls.so" ]; then
        command -v dpkg-deb >/dev/null || { lacks proftpd "no dpkg-deb here: not a Debian"; return; }
        rm -rf "$peers/proftpd" "$peers/deb/proftpd-packages"
        mkdir -p "$peers/deb/proftpd-packages"
        # shellcheck disable=SC2046 # a list of names, meant to be split
        (cd "$peers/deb/proftpd-packages" && apt-get -q download proftpd-core proftpd-mod-crypto \
            $(apt-cache depends proftpd-core proftpd-mod-crypto | sed -n 's/^ *Depends: \(lib[^ ]*\).*/\1/p' |
                grep -E 'hiredis|memcached|pcre2|sodium') \
            $(apt-cache search --names-only '^libhashkit[0-9]+$' | cut -d' ' -f1) >apt.log 2>&1) ||
            { lacks proftpd "apt-get download failed: $(tail -n 1 "$peers/deb/proftpd-packages/apt.log")"; return; }
        for package in "$peers/deb/proftpd-packages"/*.deb; do
            dpkg-deb -x "$package" "$peers/proftpd" || { lacks proftpd "dpkg-deb could not unpack it"; return; }
        done
    fi
    LD_LIBRARY_PATH=$peers/proftpd/usr/lib/$(uname -m)-linux-gnu "$binary" --version >/dev/null 2>&1 ||
        { lacks proftpd "it does not start: $binary --version"; return; }
    echo "peers: proftpd: $binary"
}

debian vsftpd usr/sbin/vsftpd
debian pure-ftpd usr/sbin/pure-ftpd
proftpd
python
[ "$missing" = 0 ] || echo "peers: $missing of 4 missing; the benchmark runs without them and says so" >&2
exit 0
