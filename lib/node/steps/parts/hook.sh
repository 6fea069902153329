# Runs the program of a hook in the work directory. The program and its arguments are the
# arguments of the step's script after the first two: no shell reads them.
#
# Safe to repeat if the program is, which docs/admin/customize.md requires.
run_hook() { # NAME PROGRAM ARGUMENT...
  hook=$1
  shift
  cd "$USERNETES_WORKDIR" || exit
  hook_lacks "$hook" "$1" .
  [ -z "$lacks" ] || { echo "$lacks" >&2; exit 1; }
  set -a
  if [ -f "$node/node.env" ]; then . "$node/node.env"; fi
  set +a
  # It must not be the last command: a shell may exec that, and earlier runs are identified by
  # their shell. Programs that it leaves running must not keep the descriptor of the reports.
  status=0
  # Its own path: a shell takes a name for one of its builtins or functions first.
  shift
  "$file" "$@" 3>&- || status=$?
  exit "$status"
}
