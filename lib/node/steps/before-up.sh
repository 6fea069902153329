# parts: paths hook-program hook
# Runs the program of usernetes.hooks.before-up.
set -eu
shift 2
run_hook before-up "$@"
