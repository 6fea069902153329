# parts: paths hook-program hook
# Runs the program of usernetes.hooks.before-down, if this cluster has a work directory here:
# otherwise `up` has not run on this node.
set -eu
shift 2
[ "$(read_owner)" = "$USERNETES_MARKER" ] || { echo "this cluster has no work directory here"; exit 0; }
run_hook before-down "$@"
