# Runs make targets of the template in the work directory, with the node's own environment.
set -eu
cd "$USERNETES_WORKDIR"
set -a
. "$node/node.env"
set +a
# An interruption may have ended only the engine's client: the program may still run in the container.
in_node() { { recall_container && "$USERNETES_ENGINE" exec "$container" "$@"; } >/dev/null 2>&1 || true; }
make_in_node() { make "$@" || explain_failure; }
