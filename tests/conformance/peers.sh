#!/bin/sh
# Gets Debian's vsftpd and ProFTPD for the dialogues that are compared with
# theirs, the inetds that start ironftpd in tests/supervisors, which cannot
# be installed beside each other, and Node's basic-ftp for tests/tls: downloaded and unpacked below target/peers (or the directory given
# as the one argument), with the shared libraries this machine lacks. Nothing
# is installed, and nothing started; a package that is installed is used as it
# is. What could not be had is said here and in NAME.missing.

set -u
cd "$(dirname "$0")/../.." || exit 1
peers=${1:-${CARGO_TARGET_DIR:-target}/peers}
mkdir -p "$peers/deb" || exit 1
peers=$(cd "$peers" && pwd)

# lacks NAME REASON: leaves the reason for the test and goes on.
lacks() {
    echo "peers: $1: $2" >&2
    echo "$2" >"$peers/$1.missing"
}

# download PACKAGE: into deb/. A fresh container has no package lists yet.
download() {
    [ -n "$(find "$peers/deb" -name "$1_*.deb")" ] && return
    (cd "$peers/deb" && apt-get -q download "$1" >apt.log 2>&1) && return
    [ "$(id -u)" = 0 ] && apt-get -q update >/dev/null 2>&1
    (cd "$peers/deb" && apt-get -q download "$1" >apt.log 2>&1)
}

# wanting BINARY: whether the loader lacks a library for it.
wanting() {
    set -- "$1" "$peers/lib/usr/lib/"*-linux-gnu "$peers/lib/lib/"*-linux-gnu
    LD_LIBRARY_PATH=$2:$3 ldd "$1" 2>/dev/null | grep -q 'not found'
}

# depends: the libraries that the packages downloaded so far depend on.
depends() {
    for package in "$peers/deb/"*.deb; do
        dpkg-deb -f "$package" Depends
    done | tr ',' '\n' | sed -n 's/^ *\(lib[^ (|:]*\).*/\1/p' | sort -u
}

# peer NAME PACKAGE: unpacks PACKAGE and what usr/sbin/NAME needs to load.
peer() {
    name=$1 binary=$peers/$2/usr/sbin/$1
    rm -f "$peers/$name.missing"
    [ -x "/usr/sbin/$name" ] && return
    for tool in apt-get dpkg-deb ldd; do
        command -v "$tool" >/dev/null || { lacks "$name" "no $tool here: not a Debian"; return; }
    done
    if [ ! -x "$binary" ]; then
        download "$2" ||
            { lacks "$name" "apt-get download $2 failed: $(tail -n 1 "$peers/deb/apt.log")"; return; }
        dpkg-deb -x "$peers/deb/$2_"*.deb "$peers/$2" ||
            { lacks "$name" "dpkg-deb could not unpack it"; return; }
    fi
    # A library may want further ones.
    for _ in 1 2 3 4; do
        wanting "$binary" || break
        for library in $(depends); do
            dpkg -s "$library" >/dev/null 2>&1 && continue
            download "$library" && dpkg-deb -x "$peers/deb/${library}_"*.deb "$peers/lib"
        done
    done
    if wanting "$binary"; then
        lacks "$name" "the loader lacks libraries for it"
    fi
}

# module NAME VERSION SHA512: unpacks a package of npm's registry, of which no
# script is run.
module() {
    rm -f "$peers/$1.missing"
    [ -f "$peers/$1-$2/package/package.json" ] && return
    command -v npm >/dev/null || { lacks "$1" "no npm here: apt-get install npm"; return; }
    mkdir -p "$peers/npm"
    (cd "$peers/npm" && npm pack --loglevel=error "$1@$2" >npm.log 2>&1) ||
        { lacks "$1" "npm pack $1@$2 failed: $(head -n 1 "$peers/npm/npm.log")"; return; }
    archive=$peers/npm/$1-$2.tgz
    echo "$3  $archive" | sha512sum --check --status ||
        { rm -f "$archive"; lacks "$1" "version $2 is not what it was"; return; }
    rm -rf "$peers/$1.part"
    if mkdir "$peers/$1.part" && tar -xzf "$archive" -C "$peers/$1.part"; then
        mv "$peers/$1.part" "$peers/$1-$2"
    else
        lacks "$1" "tar could not unpack it"
    fi
}

peer vsftpd vsftpd
peer proftpd proftpd-core
peer inetd openbsd-inetd
peer inetutils-inetd inetutils-inetd
peer xinetd xinetd
module basic-ftp 6.2.3 \
    4fb198b50d9e28950de583911bb03cbb659f07d24c3746b8ff0977308eb8aaadaa4d17dadc55f3a0dab40c3a23643903c92b5c2fe4e47cab33e091c4671e6419
exit 0
