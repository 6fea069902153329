#!/bin/sh
# Runs a command on a host that keep-host.sh keeps, in this directory.
#
#   enter.sh PIDS HOST COMMAND...
#
# PIDS/HOST has the keeper's pid. As --wrap of `flux start`, where PMI_RANK names the rank
# broker this is, HOST is `-`.
pids=$1 host=$2
shift 2
[ "$host" != - ] || host=node${PMI_RANK:-${FLUX_PMI_RANK:-0}}
# shellcheck disable=SC2016 # it is for the inner shell
exec nsenter --target "$(cat "$pids/$host")" --net --uts --mount \
  sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
