#!/bin/sh
# The completions of bash, zsh and fish, asked in these shells: each flag and
# command that a program tells in its --help is offered and nothing else, and
# values are what the program takes. It takes the programs `cargo test` has
# built.
set -eu
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
binaries=${CARGO_TARGET_DIR:-target}/debug
if [ ! -x "$binaries/ironftpd" ] || [ ! -x "$binaries/ironftpctl" ]; then
    cargo build --locked --bins
fi
PATH=$(cd "$binaries" && pwd):$PATH
export PATH LC_ALL=C.UTF-8

fail() {
    echo "tests/completions.sh: $1" >&2
    exit 1
}

# offered SHELL LINE: what the shell offers at the end of the line, a word a line.
offered() {
    program=${2%% *}
    case $1 in
        bash)
            # shellcheck disable=SC2016 # for the inner shell
            bash --norc -c '
                compopt() { :; }
                source "etc/completions/bash/$2"
                COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$3
                "_$2"
                printf "%s\n" "${COMPREPLY[@]}"' bash "$2" "$program" "${3-= }"
            ;;
        fish)
            # shellcheck disable=SC2016
            HOME=$scratch fish --no-config -c '
                source "etc/completions/fish/$argv[2].fish"
                complete -C $argv[1]' "$2" "$program" | cut -f 1
            ;;
        zsh)
            : >"$scratch/offered"
            timeout 60 zsh -f tests/completions.zsh "$2" "$scratch/offered" "$scratch" ||
                fail "zsh does not answer"
            cat "$scratch/offered"
            ;;
    esac | sed 's/^ *//; s/ *$//; /^$/d' | LC_ALL=C sort -u
}

expect() { # shell, line, words
    found=$(offered "$1" "$2")
    expected=$(echo "$3" | tr ' ' '\n' | sed '/^$/d' | LC_ALL=C sort -u)
    [ "$expected" = "$found" ] || {
        echo "$expected" >"$scratch/expected"
        echo "$found" | diff -u "$scratch/expected" - >&2 || true
        fail "$1 at \"$2\""
    }
}

# The flags in the list that --help ends with.
flags_of() {
    "$1" --help | sed -nE 's/^ +((-[a-zA-Z]), )?(--[a-z-]+).*/\3/p'
}

# The flags of the commands of ironftpctl whose usage begins like $1, and those
# of all.
flags_for() {
    ironftpctl --help | sed -nE "s/\\[//g; s/\\]//g; /ironftpctl .*$1/p" | grep -oE -- '--[a-z-]+'
    echo --help
    echo --version
}

# A home that is an account's, and files to be found.
mkdir "$scratch/folder"
printf '%s:*::::/srv/ftp:\n' ann bob >"$scratch/users"

for shell in bash zsh fish; do
    if ! command -v $shell >/dev/null; then
        echo "completions not tried in $shell: apt-get install $shell" >>"${IRONFTPD_NOT_RUN:-/dev/stdout}"
        continue
    fi
    expect $shell "ironftpd --" "$(flags_of ironftpd)"
    expect $shell "ironftpd --pr" "--print-config"
    settings=$(ironftpd --serve / --print-config | sed -n 's/=.*//p' | LC_ALL=C sort)
    for begin in "-o " "--option "; do
        found=$(offered $shell "ironftpd $begin" | sed 's/=$//' | LC_ALL=C sort)
        [ "$settings" = "$found" ] || fail "$shell: options after $begin"
    done
    # What is offered after "=" may stand alone or with what was before.
    for line in "ironftpd -o listen_ipv6=" "ironftpd --option=listen_ipv6="; do
        found=$(offered $shell "$line" | sed 's/.*=//')
        [ "$found" = "$(printf 'NO\nYES')" ] || fail "$shell at \"$line\": $found"
    done
    for line in "ironftpd -o anon_root=$scratch/fol" "ironftpd --serve $scratch/fol"; do
        found=$(offered $shell "$line")
        case $found in
            *folder | *folder/) ;;
            *) fail "$shell at \"$line\": $found" ;;
        esac
    done

    words=$(ironftpctl --help | sed -nE 's/^(Usage:)? +ironftpctl (\[[^]]*\] )*([a-z|]+).*/\3/p' | tr '|' '\n')
    expect $shell "ironftpctl " "$words"
    words=$(ironftpctl --help | sed -nE 's/.* user ([a-z|]+).*/\1/p' | tr '|' '\n')
    expect $shell "ironftpctl user " "$words"
    for word in $words; do
        case $word in
            del | lock | unlock) pattern="user .*$word" ;;
            *) pattern="user $word" ;;
        esac
        expect $shell "ironftpctl user $word --" "$(flags_for "$pattern")"
        case $word in
            add | list) ;;
            *) expect $shell "ironftpctl --file $scratch/users user $word " "ann bob" ;;
        esac
    done
    for word in $(ironftpctl --help | sed -nE 's/^ +ironftpctl \[--socket PATH\] ([a-z|]+).*/\1/p' | tr '|' '\n'); do
        expect $shell "ironftpctl $word --" "$(flags_for "PATH [a-z|]*$word")"
    done
    expect $shell "ironftpctl user passwd ann --method " "yescrypt sha512 bcrypt"
done

# Where readline does not part words at "=", what is before it comes back.
[ "$(offered bash "ironftpd --option=listen_ipv6=Y" " ")" = "--option=listen_ipv6=YES" ] ||
    fail "bash without = in COMP_WORDBREAKS"
echo "completions: passed"
