# Makes targets of the template in the work directory, with the node's own environment.
set -eu
cd "$USERNETES_WORKDIR"
set -a
. "$node/node.env"
set +a
# What was cut off may have ended only its client: the program still runs in the container.
in_node() { { recall_container && "$USERNETES_ENGINE" exec "$container" "$@"; } >/dev/null 2>&1 || true; }
make_in_node() { make "$@" || explain_failure; }
