# Runs the program of a hook in the work directory. The program and its arguments are those of
# this script after the first two: no shell reads them.
#
# The program of before-down runs where this cluster has a work directory: elsewhere nothing
# was made. As safe to repeat as the program is, which docs/admin/configure.md asks for.
set -eu
hook=$2
shift 2
if [ "$hook" = before-down ]; then
  owner=''
  if [ ! -L "$USERNETES_WORKDIR" ] && [ ! -L "$state" ] && [ ! -L "$state/owner" ] && [ -f "$state/owner" ]; then
    read -r owner <"$state/owner" || true
  fi
  [ "$owner" = "$USERNETES_MARKER" ] || { echo "this cluster has no work directory here"; exit 0; }
fi
cd "$USERNETES_WORKDIR"
if [ "$hook" = after-ready ]; then
  export KUBECONFIG="$USERNETES_WORKDIR/kubeconfig" PATH="$PATH:$USERNETES_WORKDIR/bin"
fi
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
