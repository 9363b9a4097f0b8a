#!/bin/sh
# Installs wps @VERSION@ for one user: downloads the archive for this machine, checks its checksum, and puts the binary, the
# man pages and the completions below ~/.local. WPS_PREFIX names another place.
set -eu

url=${WPS_DOWNLOAD_URL:-@URL@}
prefix=${WPS_PREFIX:-$HOME/.local}

fail() { printf 'error: %s\n' "$1" >&2; exit 1; }

machine=$(uname -m)
case $machine in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "there is no archive for $machine; with a Rust toolchain, \`cargo install --locked --path .\` builds it" ;;
esac
case $(uname -s) in
    # The one that needs no library runs on any Linux.
    Linux) target=$machine-unknown-linux-musl ;;
    Darwin) target=$machine-apple-darwin ;;
    *) fail "there is no archive for $(uname -s); install.ps1 is for Windows" ;;
esac
target=${WPS_TARGET:-$target}
archive=wps-@VERSION@-$target.tar.gz

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if command -v curl >/dev/null; then
    get() { curl --fail --silent --show-error --location --output "$2" "$1"; }
elif command -v wget >/dev/null; then
    get() { wget --quiet --output-document="$2" "$1"; }
else
    fail "neither curl nor wget is here"
fi
get "$url/$archive" "$work/$archive" || fail "$url/$archive could not be downloaded"
get "$url/$archive.sha256" "$work/$archive.sha256" || fail "$url/$archive.sha256 could not be downloaded"
if command -v sha256sum >/dev/null; then
    (cd "$work" && sha256sum --check "$archive.sha256" >/dev/null 2>&1) || fail "$archive is not what its checksum says"
else
    (cd "$work" && shasum --algorithm 256 --check "$archive.sha256" >/dev/null 2>&1) ||
        fail "$archive is not what its checksum says"
fi

tar -xzf "$work/$archive" -C "$work"
unpacked=$work/wps-@VERSION@-$target
mkdir -p "$prefix/bin" "$prefix/share/man/man1" "$prefix/share/man/man7" \
    "$prefix/share/bash-completion/completions" "$prefix/share/zsh/site-functions" "$prefix/share/fish/vendor_completions.d"
# Under another name first: a running wps keeps its file.
cp "$unpacked/wps" "$prefix/bin/.wps.new"
mv -f "$prefix/bin/.wps.new" "$prefix/bin/wps"
cp "$unpacked"/man/*.1 "$prefix/share/man/man1"
cp "$unpacked"/man/*.7 "$prefix/share/man/man7"
cp "$unpacked/completions/wps.bash" "$prefix/share/bash-completion/completions/wps"
cp "$unpacked/completions/_wps" "$prefix/share/zsh/site-functions/_wps"
cp "$unpacked/completions/wps.fish" "$prefix/share/fish/vendor_completions.d/wps.fish"
"$prefix/bin/wps" --version || fail "$prefix/bin/wps does not run here"

case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) printf 'hint: %s is not on the PATH\n' "$prefix/bin" >&2 ;;
esac
