# What the engine has of this cluster on this node, asked by project; and its removal.

# One a line: `KIND NAME`. Fails where the engine does not answer.
left() {
  project=$USERNETES_PROJECT
  pods=''
  # podman-compose may put the container into one.
  case ${USERNETES_ENGINE##*/} in podman) pods=$("$USERNETES_ENGINE" pod ls --format '{{.Name}}') || return ;; esac
  containers=$("$USERNETES_ENGINE" ps -a --filter "label=com.docker.compose.project=$project" --format '{{.Names}}') || return
  networks=$("$USERNETES_ENGINE" network ls --format '{{.Name}}') || return
  volumes=$("$USERNETES_ENGINE" volume ls --format '{{.Name}}') || return
  images=$("$USERNETES_ENGINE" image ls --format '{{.Repository}}:{{.Tag}}') || return
  printf '%s\n' "$pods" | grep -E "^pod_${project}\$" | sed 's/^/pod /' || true
  printf '%s\n' "$containers" | grep -E "^${project}[-_]node([-_]1)?\$" | sed 's/^/container /' || true
  printf '%s\n' "$networks" | grep -E "^${project}_" | sed 's/^/network /' || true
  printf '%s\n' "$volumes" | grep -E "^${project}_" | sed 's/^/volume /' || true
  printf '%s\n' "$images" | grep -E "^(localhost/)?${project}[-_]node(:|\$)" | sed 's/^/image /' || true
}

remove_one() { # KIND NAME
  case $1 in
    container) "$USERNETES_ENGINE" rm -f -v "$2" ;;
    pod) "$USERNETES_ENGINE" pod rm -f "$2" ;;
    *) "$USERNETES_ENGINE" "$1" rm "$2" ;;
  esac
}

# Removes it, but for the kind BUT, and says what stays, with the engine's own words.
# Tries twice: a container may come back meanwhile, as its policy has it, and podman
# may say that it cannot remove what it then has removed.
remove_left() { # [BUT]
  words=''
  for pause in 0 1 ''; do
    found=$(left) || { echo "$USERNETES_ENGINE does not answer: what is left of $USERNETES_PROJECT is not known" >&2; return 1; }
    found=$(printf '%s\n' "$found" | grep -v "^${1:-none} " || true)
    [ -n "$found" ] || return 0
    [ -n "$pause" ] || break
    sleep "$pause"
    while read -r kind name; do
      # Where this hangs it is the last line, and becomes the reason of the drain.
      echo "removing $kind $name"
      said=$(remove_one "$kind" "$name" 2>&1 </dev/null) || words=$(printf '%s\n' "$said" | grep '[^[:space:]]' | tail -n 1)
      printf '%s\n' "$said"
    done <<EOF
$found
EOF
  done
  printf 'left behind: %s%s\n' "$(printf '%s' "$found" | tr '\n' ',')" "${words:+: $words}" >&2
  return 1
}
