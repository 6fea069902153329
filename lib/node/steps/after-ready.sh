# parts: paths hook-program hook
# Runs the program of usernetes.hooks.after-ready on the lead.
set -eu
shift 2
export KUBECONFIG="$USERNETES_WORKDIR/kubeconfig" PATH="$PATH:$USERNETES_WORKDIR/bin"
run_hook after-ready "$@"
