# Runs the program of a hook in the work directory. The program and its arguments are those of
# the step's script after the first two: no shell reads them.
#
# As safe to repeat as the program is, which docs/admin/configure.md asks for.
run_hook() { # NAME PROGRAM ARGUMENT...
  hook=$1
  shift
  cd "$USERNETES_WORKDIR" || exit
  hook_lacks "$hook" "$1" .
  [ -z "$lacks" ] || { echo "$lacks" >&2; exit 1; }
  set -a
  if [ -f "$node/node.env" ]; then . "$node/node.env"; fi
  set +a
  # Not the last command: a shell may become that, and a run before this one is known by its
  # shell. What the program leaves running keeps no descriptor of the reports open.
  status=0
  "$@" 3>&- || status=$?
  exit "$status"
}
