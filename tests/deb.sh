#!/bin/sh
# `make deb`, and the package in a fresh Debian tree: it is installed, serves,
# is installed again over changed settings, removed and purged, and nothing is
# left. Once without systemd, where the init script starts it, and once in a
# container that systemd has booted. The trees are kept in the target folder for
# the next run; the programs are those `cargo test` has built.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
export PATH

target=${CARGO_TARGET_DIR:-target}
fail() {
    echo "tests/deb.sh: $1" >&2
    # What a container says of its boot is of no use where the trial itself spoke.
    log=$scratch/tree/trial/log
    [ -f "$log" ] || log=$scratch/log
    [ ! -f "$log" ] || tail -n 40 "$log" >&2
    exit 1
}

left_out() {
    echo "$1" >>"${IRONFTPD_NOT_RUN:-/dev/stdout}"
}

# Two trees: Debian's minimum with a client, and that with systemd.
debian_trees() {
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    plain=$target/debian/$codename.tar
    systemd=$target/debian/$codename-systemd.tar
    [ ! -f "$plain" ] || [ ! -f "$systemd" ] || return 0
    # shellcheck disable=SC2016 # apt's own marks
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
        sed -n "s/ $codename\$//p" | head -n 1)
    mkdir -p "$target/debian"
    timeout 400 debootstrap --variant=minbase --include=curl "$codename" "$scratch/tree" \
        "${mirror:-http://deb.debian.org/debian}" >"$scratch/log" 2>&1 || return 1
    keep "$plain"
    timeout 200 chroot "$scratch/tree" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        apt-get install -y --no-install-recommends systemd systemd-sysv dbus \
        </dev/null >"$scratch/log" 2>&1 || return 1
    keep "$systemd"
}

keep() {
    rm -f "$scratch"/tree/var/cache/apt/archives/*.deb
    tar -C "$scratch/tree" --numeric-owner --exclude='./proc/*' --exclude='./sys/*' -cf "$1.new" .
    mv "$1.new" "$1"
}

package() {
    binaries=$target/debug
    if [ ! -x "$binaries/ironftpd" ] || [ ! -x "$binaries/ironftpctl" ]; then
        cargo build --locked --bins
    fi
    # A make that calls this script has its own variables in the environment.
    env -u MAKEFLAGS -u MAKELEVEL DEBEMAIL=ironftpd@packages.example.org \
        make --no-print-directory deb BINARIES="$binaries" OUTPUT="$scratch/package" CARGO=false \
        >"$scratch/log" 2>&1 || fail "make deb"
    set -- "$scratch"/package/*.deb
    [ $# -eq 1 ] || fail "make deb made $# packages"
    package=$1
}

lint() {
    if ! command -v lintian >/dev/null; then
        left_out "the Debian package not checked by lintian: apt-get install lintian"
        return
    fi
    lintian --allow-root --display-info --fail-on error,warning,info "$package" >"$scratch/log" 2>&1 ||
        fail "lintian complains"
}

# A tree anew from the archive $1, with the package and the steps.
fresh_tree() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree"
    tar -C "$scratch/tree" --numeric-owner -xpf "$1"
    mkdir "$scratch/tree/trial"
    cp "$package" "$scratch/tree/trial/ironftpd.deb"
    cp tests/deb/*.sh "$scratch/tree/trial/"
}

# With processes, mounts and network of its own, so that the server may have
# port 21 and ends with the trial.
without_systemd() {
    fresh_tree "$plain"
    # shellcheck disable=SC2016 # for the inner shell
    timeout 120 unshare --pid --mount --net --ipc --fork --kill-child sh -ec '
        mount -t proc proc "$1/proc"
        ip link set lo up
        exec chroot "$1" sh /trial/chroot.sh' sh "$scratch/tree" >"$scratch/log" 2>&1 ||
        fail "the package without systemd"
}

with_systemd() {
    if ! command -v systemd-nspawn >/dev/null; then
        left_out "the Debian package not tried under systemd: apt-get install systemd-container"
        return
    fi
    fresh_tree "$systemd"
    cat >"$scratch/tree/etc/systemd/system/trial.service" <<END
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'exec sh /trial/booted.sh >/trial/log 2>&1'
ExecStopPost=/bin/systemctl --no-block poweroff
END
    mkdir -p "$scratch/tree/etc/systemd/system/multi-user.target.wants"
    ln -s ../trial.service "$scratch/tree/etc/systemd/system/multi-user.target.wants/"
    timeout 120 systemd-nspawn --quiet --machine="ironftpd-trial-$$" --register=no --keep-unit --private-network --boot \
        --directory="$scratch/tree" </dev/null >"$scratch/log" 2>&1 || true
    rmdir "/run/systemd/nspawn/propagate/ironftpd-trial-$$" 2>/dev/null || true
    if [ ! -f "$scratch/tree/trial/log" ]; then
        left_out "the Debian package not tried under systemd: no container can be booted here"
        return
    fi
    [ -f "$scratch/tree/trial/passed" ] || fail "the package under systemd"
}

for tool in debootstrap dpkg-deb dpkg-shlibdeps unshare ip; do
    if ! command -v $tool >/dev/null; then
        left_out "the Debian package not tried: no $tool"
        exit 0
    fi
done
if [ "$(id -u)" -ne 0 ] || ! unshare --pid --mount --net --ipc --fork true 2>/dev/null; then
    left_out "the Debian package not tried: that takes root and namespaces"
    exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
package
lint
if ! debian_trees; then
    left_out "the Debian package not tried: debootstrap failed: $(tail -n 1 "$scratch/log")"
    exit 0
fi
without_systemd
with_systemd
echo "make deb, and its package in a fresh Debian: passed"
