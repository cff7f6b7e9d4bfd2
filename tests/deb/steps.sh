# shellcheck shell=sh
# What tests/deb.sh does in the tree, whoever starts the server there.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
cd /trial

fail() {
    echo "failed: $1"
    exit 1
}

files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /trial -o -path /tmp \
        -o -path /var/log/journal -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/tmp \) \
        -prune -o -print | sort
}

# Whoever starts the server has waited until it answers.
served() {
    curl --silent --show-error --max-time 20 "$@"
}

refused() {
    ! curl --silent --max-time 20 "$@" >/trial/refused
}

anonymous_users_are_served() {
    echo "a file" >/srv/ftp/file
    [ "$(served ftp://127.0.0.1/file)" = "a file" ] || fail "no file for anonymous users"
    refused --upload-file /trial/steps.sh ftp://127.0.0.1/ || fail "anonymous users may write"
}

# The programs' own accounts, by the steps that ironftpctl(8) and README.md tell.
accounts_are_served() {
    install -d -o ftp -g ftp /srv/ftp/alice
    echo "her word" | ironftpctl user add alice --home /srv/ftp/alice
    chgrp ftp /etc/ironftpd.users
    chmod 640 /etc/ironftpd.users
    printf '%s\n' virtual_users_file=/etc/ironftpd.users >>/etc/ironftpd.conf
}

alice_is_served() {
    served --user "alice:her word" ftp://127.0.0.1/ >/dev/null || fail "no listing for alice"
    refused --user alice:another ftp://127.0.0.1/ || fail "any password opens"
}

# A reload may be over a moment after it was asked for. Each refusal takes a
# second, so that this waits for some.
alice_is_served_soon() {
    for _ in 1 2 3 4 5 6 7 8 9; do
        if served --user "alice:her word" ftp://127.0.0.1/ >/dev/null; then
            return
        fi
    done
    fail "the reload did not count"
}

# Settings that were changed survive an upgrade and a removal.
changed_settings_stay() {
    grep -q '^virtual_users_file=' /etc/ironftpd.conf || fail "a changed configuration was replaced"
}

removed() {
    refused ftp://127.0.0.1/ || fail "the server outlived its package"
    [ ! -e /usr/sbin/ironftpd ] || fail "a program is left"
}

purged() {
    [ -e /srv/ftp/file ] || fail "files that were served are gone"
    rm -r /srv/ftp
    files >/trial/after
    # The account stays, as tools that keep the lists of users do, who leave copies.
    getent passwd ftp >/dev/null || fail "the account is gone"
    left=$(diff /trial/before /trial/after |
        grep -vE '^[0-9]|^---|^[<>] (/etc/(passwd|group|shadow|gshadow|subuid|subgid)-|/var/log/dpkg.log)$' || true)
    [ -z "$left" ] || fail "files before and after differ: $left"
}
