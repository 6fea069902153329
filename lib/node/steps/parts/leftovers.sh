# What the engine has of this cluster on this node, asked by project; and its removal.

# Sets $found, `KIND NAME` a line, of these kinds and in their order. Fails where the engine
# does not answer. It is asked for all of them at once: each answer takes a while.
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

# An engine may write a line in pieces, among those of others: it is read whole, and printed
# a line at a time.
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
      # Those that are listed have the project's label, whatever their names are.
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

# Removes it, but for the kind BUT, and prints what stays, with the engine's own message.
# Tries twice: a container may come back meanwhile, as its policy has it, and podman
# may say that it cannot remove what it then has removed.
remove_left() { # [BUT]
  words='' kinds=''
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
    # What was there is looked for once more, and the container, which may come back.
    again=container
    while read -r kind name; do
      case " $again " in *" $kind "*) ;; *) again="$again $kind" ;; esac
      # Where this hangs it is the last line, and becomes the reason of the drain.
      echo "removing $kind $name"
      said=$(remove_one "$kind" "$name" 2>&1 </dev/null) || words=$(printf '%s\n' "$said" | grep '[^[:space:]]' | tail -n 1)
      printf '%s\n' "$said"
    done <<EOF
${found%?}
EOF
    kinds=$again
  done
  printf 'left behind: %s%s\n' "$(printf '%s' "${found%?}" | tr '\n' ',')" "${words:+: $words}" >&2
  return 1
}
