#!/bin/sh
# Writes the messages of a group to files of a directory, a JSON object a line: `current.ndjson`, which becomes
# `000001.ndjson`, `000002.ndjson` and so on when it has so many lines. Nothing is lost between the files, nor when this
# is stopped or killed and started again within 30 s; what may stand there twice then has `"redelivered":true`.
#
#   ./tail-to-files.sh GROUP DIRECTORY [FLAG...]        flags for `wps listen`
#
# Reads: WPS_URL, or any other source of `wps`, unless a flag names one
#        LINES_PER_FILE  [100000]
# Exits: 143 when it was stopped by a signal, else as the `wps listen` that failed.
set -eu
usage='usage: tail-to-files.sh GROUP DIRECTORY [FLAG...]'
group=${1:?$usage} directory=${2:?$usage}
shift 2
mkdir -p "$directory"
cd "$directory"

number=1 status=0 stopped='' listener=''
trap 'stopped=143; kill "$listener" 2>/dev/null || :' HUP INT TERM
while [ "$status$stopped" = 0 ]; do
    touch current.ndjson
    missing=$((${LINES_PER_FILE:-100000} - $(wc -l <current.ndjson)))
    if [ "$missing" -gt 0 ]; then
        wps listen "$@" --group "$group" -o ndjson --only messages --session session --count "$missing" \
            >>current.ndjson &
        listener=$!
        [ -z "$stopped" ] || kill "$listener"
        wait "$listener" || status=$?
    else
        while [ -e "$(printf '%06d.ndjson' "$number")" ]; do number=$((number + 1)); done
        mv current.ndjson "$(printf '%06d.ndjson' "$number")"
    fi
done
[ -z "$stopped" ] || wait "$listener" || : # a signal ends the waiting before the listener has ended
exit "${stopped:-$status}"
