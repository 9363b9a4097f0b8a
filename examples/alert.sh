#!/bin/sh
# Runs a command for every message of a group whose data matches a regular expression, with the message, a JSON object,
# on its stdin. One after the other; a command that fails is told, and the next message is waited for.
#
#   PATTERN=REGEX ./alert.sh GROUP COMMAND [ARG...]
#
# Reads: PATTERN, which is looked for in text as it is, and in other data as JSON
#        WPS_URL, or any other source of `wps`
# Exits: as `wps listen`: 128+n when it was stopped by signal n.
set -eu
usage='usage: PATTERN=REGEX alert.sh GROUP COMMAND [ARG...]'
group=${1:?$usage} command=${2:?$usage}
shift
export PATTERN="${PATTERN:?$usage}"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/pipe"
trap 'kill "${listener:-$!}" 2>/dev/null || :' HUP INT TERM
wps listen --group "$group" --only messages --jq 'select(.data | tostring | test(env.PATTERN))' >"$dir/pipe" &
listener=$!
while IFS= read -r message; do
    printf '%s\n' "$message" | "$@" ||
        printf 'alert.sh: %s failed with status %s for %s\n' "$command" "$?" "$message" >&2
done <"$dir/pipe" &
alerting=$!

status=0
wait "$listener" || status=$?
wait "$alerting" || exit "$?"
exit "$status"
