# The container of this cluster on this node, found by compose's labels: the template
# (container_name) or compose chooses its name.
# shellcheck disable=SC2119,SC2120 # up.sh gives it a text

# Lists the container: the engine's `ps` with further options.
list_node() { # OPTION...
  "$USERNETES_ENGINE" ps "$@" --filter "label=com.docker.compose.project=$USERNETES_PROJECT" --filter label=com.docker.compose.service=node
}

# Sets $container if it runs; otherwise prints TEXT and its state.
find_container() { # [TEXT]
  container=''
  # If the engine does not answer, it prints the reason itself.
  names=$(list_node --format '{{.Names}}') || return
  for name in $names; do container=$name; done
  [ -z "$container" ] || return 0
  found=$(list_node -a --format '{{.Names}}: {{.Status}}') || return
  found=$(printf '%s\n' "$found" | head -n 1)
  what="the node's container has died"
  echo "${1:-$what}: ${found:-$USERNETES_ENGINE has none of $USERNETES_PROJECT}" >&2
  return 1
}

# Reads the name that `up` has saved, because each call of the engine takes time.
recall_container() {
  container=''
  if [ -f "$node/up.done" ]; then read -r container <"$node/up.done" || true; fi
  case $container in '' | -* | *[!A-Za-z0-9_.-]*) find_container ;; esac
}

# For use after a failed command in the container: if the container no longer exists, that is
# the reason, and a retry would fail too. Its restart policy may start it again in a moment.
explain_failure() {
  status=$?
  case $(list_node -a --format '{{.Status}}' 2>/dev/null || echo restarting) in
    Restarting* | restarting*) ;;
    *) find_container || true ;;
  esac
  return "$status"
}

# The container has its own kubeconfig; the tests' engines identify a cluster by it.
# A client that outlives its step must not keep the descriptor of the reports open.
in_container() { KUBECONFIG=$USERNETES_WORKDIR/kubeconfig "$USERNETES_ENGINE" exec "$container" "$@" 3>&-; }

# Runs a script from stdin with sh in the container: programs in it must not read stdin.
script_in_container() { # ARG... <SCRIPT
  KUBECONFIG=$USERNETES_WORKDIR/kubeconfig "$USERNETES_ENGINE" exec -i "$container" sh -s "$@" 3>&-
}

# Removes the Kubernetes nodes of workers that the cluster continues without.
remove_excluded() {
  # shellcheck disable=SC2086 # one word a node
  if [ -n "${USERNETES_WITHOUT:-}" ]; then in_container kubectl delete node --ignore-not-found $USERNETES_WITHOUT || true; fi
}
