#!/bin/sh
# Smoke test of a service, for CI: sends it a request through a group and waits for its reply, without a sleep.
#
#   ./smoke-test.sh [FLAG...]        flags for `wps listen`, such as --local or --profile NAME
#
# Reads: WPS_URL, or any other source of `wps`, unless a flag names one
#        GROUP    where the service listens and answers  [smoke]
#        REQUEST  what is sent to it                     [ping]
#        REPLY    what it has to answer                  [pong]
#        LIMIT    how long it may take                   [10s]
# Exits: 0 when the reply came, 124 when it did not come in time, 12 when messages may have been missed or the request
#        could not be sent, else as `wps listen`.
set -eu
export GROUP="${GROUP:-smoke}" REQUEST="${REQUEST:-ping}" REPLY="${REPLY:-pong}"

# The expression and the command take the values from the environment, so that no character in them is special.
exec wps listen "$@" --group "$GROUP" --only messages --timeout "${LIMIT:-10s}" -o ndjson \
    --on-ready 'exec wps send -q -- "$GROUP" "$REQUEST"' \
    --until '.type == "group-message" and .data == env.REPLY' \
    --fail-on '.type == "session-lost"'
