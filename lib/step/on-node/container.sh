# The container that is this cluster's node here. Each sets $container, or says why not.

# Asks the engine for one that runs; podman-compose names it with underscores.
find_container() {
  container=''
  of="label=com.docker.compose.project=$USERNETES_PROJECT"
  for name in $("$USERNETES_ENGINE" ps --filter "$of" --format '{{.Names}}'); do
    if is_container "$name"; then container=$name; fi
  done
  [ -z "$container" ] || return 0
  is=$("$USERNETES_ENGINE" ps -a --filter "$of" --format '{{.Names}}: {{.Status}}' | head -n 1)
  echo "the node's container does not run: ${is:-$USERNETES_ENGINE has none of $USERNETES_PROJECT}" >&2
  return 1
}

# As `up` has noted it, which spares the question: each takes a while.
recall_container() {
  container=''
  if [ -f "$node/up.done" ]; then read -r container <"$node/up.done" || true; fi
  is_container "$container" || find_container
}

is_container() { [ "$1" = "$USERNETES_PROJECT-node-1" ] || [ "$1" = "${USERNETES_PROJECT}_node_1" ]; }

# A container has its own kubeconfig; a stand-in for an engine tells clusters apart by it.
in_container() { KUBECONFIG=$USERNETES_WORKDIR/kubeconfig "$USERNETES_ENGINE" exec "$container" "$@"; }
