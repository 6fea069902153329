#!/bin/sh
# Runs a command on a host that keep-host.sh keeps, in this directory.
#
#   enter.sh PIDS HOST COMMAND...
#
# PIDS/HOST has the keeper's process ID. HOST is `-` if `flux start --wrap` calls this: the
# rank of the broker is then in PMI_RANK.
pids=$1 host=$2
shift 2
[ "$host" != - ] || host=node${PMI_RANK:-${FLUX_PMI_RANK:-0}}
# shellcheck disable=SC2016 # the inner shell expands it
exec nsenter --target "$(cat "$pids/$host")" --net --uts --mount \
  sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
