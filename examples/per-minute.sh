#!/bin/sh
# Counts the messages of a group per minute (UTC), and prints each count when its minute is over.
#
#   ./per-minute.sh GROUP [FLAG...]        flags for `wps listen`, such as --for 1h
#
# Reads: WPS_URL, or any other source of `wps`, unless a flag names one
# Exits: as `wps listen`: 0 at the end of --for or --count, 128+n when it was stopped by signal n.
set -eu
group=${1:?usage: per-minute.sh GROUP [FLAG...]}
shift

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/pipe"
# When it is stopped, the last minute is counted too.
trap 'kill "${listener:-$!}" 2>/dev/null || :' HUP INT TERM
wps listen "$@" --group "$group" --only messages --jq '.time[:16]' --raw-output >"$dir/pipe" &
listener=$!
uniq -c <"$dir/pipe" &
counter=$!

status=0
wait "$listener" || status=$?
wait "$counter" || exit "$?"
exit "$status"
