#!/bin/sh
# Copies what is published to a group to a group of another hub or service, as it comes and in order, until it is
# stopped. On Ctrl-C or SIGTERM what was received is still sent on.
#
#   FROM=URL TO=URL ./copy-group.sh GROUP [TO_GROUP]
#
# Reads: FROM, TO  client access URL, or connection string (then FROM_HUB, TO_HUB name the hubs)
# Exits: 128+n when it was stopped by signal n, else as the `wps` that failed.
set -eu
group=${1:?usage: copy-group.sh GROUP [TO_GROUP]} to_group=${2:-$1}

at() { # SOURCE HUB COMMAND...: in the environment, a secret is not seen by others as it is on a command line.
    source=$1 hub=$2
    shift 2
    unset WPS_URL WPS_CONNECTION_STRING FROM TO
    case $source in
    [Ee]ndpoint=*) export WPS_CONNECTION_STRING="$source" ;;
    *) export WPS_URL="$source" ;;
    esac
    exec wps "$@" ${hub:+--hub "$hub"}
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/pipe"
trap 'kill "${listener:-$!}" 2>/dev/null || :' HUP INT TERM
at "${FROM:?}" "${FROM_HUB-}" listen --group "$group" -o ndjson --only messages >"$dir/pipe" &
listener=$!
at "${TO:?}" "${TO_HUB-}" send --ndjson "$to_group" <"$dir/pipe" &
sender=$!

status=0
wait "$listener" || status=$?
wait "$sender" || exit "$?"
exit "$status"
