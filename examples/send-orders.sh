#!/bin/sh
# Sends a file of orders, one JSON value a line, to a group, each exactly once and in order: after a kill, a crash or a
# lost network run it again, with the same file and within 30 s, and it goes on where the acks ended.
#
#   ./send-orders.sh FILE GROUP [FLAG...]        flags for `wps send`
#
# Reads: WPS_URL, or any other source of `wps`, unless a flag names one
#        SESSION  the file that remembers how far it came  [FILE.session]
# Exits: 0 when all orders have arrived, 9 when of some, which are named, that is not known because the service has
#        forgotten the connection, else as `wps send`.
set -eu
usage='usage: send-orders.sh FILE GROUP [FLAG...]'
file=${1:?$usage} group=${2:?$usage}
shift 2

exec wps send "$@" --type json --lines --session "${SESSION:-$file.session}" -- "$group" <"$file"
