# The container that is this cluster's node here, by the labels that compose gives it:
# its name is the template's (container_name) or compose's own choice.
# shellcheck disable=SC2119,SC2120 # up.sh gives it a text

# What the engine lists of it, `ps` with further options.
list_node() { # OPTION...
  "$USERNETES_ENGINE" ps "$@" --filter "label=com.docker.compose.project=$USERNETES_PROJECT" --filter label=com.docker.compose.service=node
}

# Sets $container, if it runs; else prints what was found, after TEXT.
find_container() { # [TEXT]
  container=''
  # The engine itself prints why it does not answer.
  names=$(list_node --format '{{.Names}}') || return
  for name in $names; do container=$name; done
  [ -z "$container" ] || return 0
  found=$(list_node -a --format '{{.Names}}: {{.Status}}') || return
  found=$(printf '%s\n' "$found" | head -n 1)
  what="the node's container has died"
  echo "${1:-$what}: ${found:-$USERNETES_ENGINE has none of $USERNETES_PROJECT}" >&2
  return 1
}

# As `up` has noted it, which spares the question: each takes a while.
recall_container() {
  container=''
  if [ -f "$node/up.done" ]; then read -r container <"$node/up.done" || true; fi
  case $container in '' | -* | *[!A-Za-z0-9_.-]*) find_container ;; esac
}

# Goes after what was done in it and has failed: where the container is not there any
# more, that is the reason, and another try would meet it again. One that its policy
# starts again may be there in a moment.
explain_failure() {
  status=$?
  case $(list_node -a --format '{{.Status}}' 2>/dev/null || echo restarting) in
    Restarting* | restarting*) ;;
    *) find_container || true ;;
  esac
  return "$status"
}

# A container has its own kubeconfig; the tests' engines know a cluster by it.
# A client that outlives its step must not keep the descriptor of the reports open.
in_container() { KUBECONFIG=$USERNETES_WORKDIR/kubeconfig "$USERNETES_ENGINE" exec "$container" "$@" 3>&-; }

# Runs a script of sh in the container, which is stdin: what it starts must not read that.
script_in_container() { # ARG... <SCRIPT
  KUBECONFIG=$USERNETES_WORKDIR/kubeconfig "$USERNETES_ENGINE" exec -i "$container" sh -s "$@" 3>&-
}

# Removes what the workers have registered that the cluster continues without.
remove_excluded() {
  # shellcheck disable=SC2086 # one word a node
  if [ -n "${USERNETES_WITHOUT:-}" ]; then in_container kubectl delete node --ignore-not-found $USERNETES_WITHOUT || true; fi
}
