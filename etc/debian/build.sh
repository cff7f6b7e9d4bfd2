#!/bin/sh
# Builds ironftpd_VERSION_ARCHITECTURE.deb in OUTPUT from the programs in
# BINARIES; `make deb` calls it. It needs dpkg-deb and dpkg-shlibdeps (package
# dpkg-dev), and no root: everything in the package belongs to root anyway.
#
# DEBFULLNAME and DEBEMAIL, if set, name the maintainer; SOURCE_DATE_EPOCH, if
# set, is the time of every file, so that the same source gives the same package.
set -eu
umask 022
cd "$(dirname "$0")/../.."
: "${BINARIES:?}" "${OUTPUT:?}"

for tool in dpkg-deb dpkg-shlibdeps strip; do
    if ! command -v $tool >/dev/null; then
        echo "etc/debian/build.sh: no $tool: apt-get install dpkg-dev binutils" >&2
        exit 1
    fi
done

upstream=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
version=$upstream-1
architecture=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-ironftpd contributors} <${DEBEMAIL:-root@$(hostname -f 2>/dev/null || hostname)}>"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
documents=$root/usr/share/doc/ironftpd

# The folders of a package instead of those below /usr/local.
make --no-print-directory install DESTDIR="$root" BINARIES="$BINARIES" CARGO=false \
    PREFIX=/usr SYSCONFDIR=/etc UNITDIR=/lib/systemd/system \
    ZSHDIR=/usr/share/zsh/vendor-completions PAMSTACK= >/dev/null
install -D -m 755 etc/debian/ironftpd.init "$root/etc/init.d/ironftpd"
install -D -m 644 etc/debian/lintian-overrides "$root/usr/share/lintian/overrides/ironftpd"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$root"/usr/sbin/*

# Debian has each licence in one place, and its own name for the changelog.
rm "$documents"/LICENSE-* "$documents/examples/ironftpd.conf"
rm -r "$documents"/examples/*.d
mv "$documents/CHANGELOG.md" "$documents/changelog"
cat >"$documents/changelog.Debian" <<END
ironftpd ($version) unstable; urgency=medium

  * Version $upstream; what is new in it is in changelog.gz.

 -- $maintainer  $(LC_ALL=C date -R -u -d "@$SOURCE_DATE_EPOCH")
END
{
    sed '/^@MIT@$/,$d' etc/debian/copyright
    # From the permission on: the heading and the owner are told above it.
    sed -n -e '/^Permission/,$p' LICENSE-MIT | sed -e 's/^$/./' -e 's/^/ /'
    sed '1,/^@MIT@$/d' etc/debian/copyright
} >"$documents/copyright"
gzip -9n "$documents"/changelog* "$root"/usr/share/man/man*/*

# dpkg-shlibdeps wants to stand in a source tree.
mkdir -p "$work/debian" "$root/DEBIAN"
echo "Source: ironftpd" >"$work/debian/control"
needs=$(cd "$work" && dpkg-shlibdeps -O root/usr/sbin/ironftpd root/usr/sbin/ironftpctl 2>"$work/log") ||
    { cat "$work/log" >&2 && exit 1; }
size=$(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f 1)
sed -e "s|@VERSION@|$version|" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@MAINTAINER@|$maintainer|" \
    -e "s|@SIZE@|$size|" -e "s|@SHLIBS@|${needs#shlibs:Depends=}|" etc/debian/control >"$root/DEBIAN/control"
(cd "$root" && find etc -type f | sort | sed 's|^|/|') >"$root/DEBIAN/conffiles"
(cd "$root" && find . -path ./DEBIAN -prune -o -path ./etc -prune -o -type f -printf '%P\0' |
    sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
install -m 755 etc/debian/postinst etc/debian/prerm etc/debian/postrm "$root/DEBIAN"

mkdir -p "$OUTPUT"
dpkg-deb --root-owner-group -Zxz --build "$root" "$OUTPUT/ironftpd_${version}_$architecture.deb"
