# Finds the resources of this cluster's project in the engine of this node, and removes them.

# Sets $found: a line `KIND NAME` for each resource of these kinds, in their order. Fails if the
# engine does not answer. The queries run at the same time, because each takes time.
find_left() { # KIND...
  answers=$(
    for kind; do
      { names_of "$kind" || echo failed; } &
    done
    wait
  )
  found=''
  IFS='
'
  for kind; do
    for answer in $answers; do
      case $answer in
        failed) unset IFS; return 1 ;;
        "$kind "*) found="$found$answer
" ;;
      esac
    done
  done
  unset IFS
}

# Engines may write a line in pieces, between lines of others: reads the whole output, then prints
# it line by line.
names_of() { # KIND
  project=$USERNETES_PROJECT
  case $1 in
    container) set -- "$1" ps -a --filter "label=com.docker.compose.project=$project" --format '{{.Names}}' ;;
    image) set -- "$1" image ls --format '{{.Repository}}:{{.Tag}}' ;;
    *) set -- "$1" "$1" ls --format '{{.Name}}' ;;
  esac
  kind=$1
  shift
  names=$("$USERNETES_ENGINE" "$@") || return
  for name in $names; do
    case "$kind $name" in
      # These have the project's label, whatever their names are.
      "pod pod_$project" | container\ *) ;;
      "network ${project}_"* | "volume ${project}_"*) ;;
      "image $project"[-_]node | "image $project"[-_]node:*) ;;
      "image localhost/$project"[-_]node | "image localhost/$project"[-_]node:*) ;;
      *) continue ;;
    esac
    echo "$kind $name"
  done
}

remove_one() { # KIND NAME
  case $1 in
    container) "$USERNETES_ENGINE" rm -f -v "$2" ;;
    pod) "$USERNETES_ENGINE" pod rm -f "$2" ;;
    *) "$USERNETES_ENGINE" "$1" rm "$2" ;;
  esac
}

# Removes the resources, except those of the kind BUT, and prints the remaining ones with the
# engine's own message. Tries twice: a restart policy may bring a container back, and podman may
# report an error for a resource that it has removed.
remove_left() { # [BUT]
  message='' kinds=''
  # podman-compose may put the container into a pod.
  case ${USERNETES_ENGINE##*/} in podman) kinds=pod ;; esac
  for kind in container network volume image; do
    [ "$kind" = "${1:-}" ] || kinds="$kinds $kind"
  done
  for pause in 0 1 ''; do
    # shellcheck disable=SC2086 # one word a kind
    find_left $kinds || { echo "$USERNETES_ENGINE does not answer: the leftovers of $USERNETES_PROJECT are unknown" >&2; return 1; }
    [ -n "$found" ] || return 0
    [ -n "$pause" ] || break
    [ "$pause" -eq 0 ] || sleep "$pause"
    again=''
    while read -r kind name; do
      # If the removal hangs, this is the last line, and becomes the reason of the drain.
      echo "removing $kind $name"
      output=$(remove_one "$kind" "$name" 2>&1 </dev/null) || { again=yes message=$(printf '%s\n' "$output" | grep '[^[:space:]]' | tail -n 1); }
      printf '%s\n' "$output"
      [ "$kind" != container ] || again=yes
    done <<EOF
${found%?}
EOF
    [ -n "$again" ] || return 0
  done
  printf 'left behind: %s%s\n' "$(printf '%s' "${found%?}" | tr '\n' ',')" "${message:+: $message}" >&2
  return 1
}
