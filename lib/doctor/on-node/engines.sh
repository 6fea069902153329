# Container engines: that each one answers this user, its version, its compose, and that a
# command can be executed in a container of it, as the steps do.
# $rootless is how the first one runs: yes, no, or nothing if it does not answer.
rootless=''

is_rootless() {
  case $1 in
    podman) [ "$(limited podman info --format '{{.Host.Security.Rootless}}')" = true ] ;;
    *) limited "$1" info --format '{{json .SecurityOptions}}' | grep -q name=rootless ;;
  esac
}

# Prints why a command failed, from its status and output. The last line is often a
# summary: the first one that names an error is the cause.
cause() { # STATUS OUTPUT
  case $1 in 124 | 137) echo "it did not answer within 15 s (time-out)" && return ;; esac
  line=$(printf '%s\n' "$2" | grep -aiE '^[[:space:]]*(error|fatal|fata\[|cannot)|level="?(error|fatal)' | head -n 1)
  [ -n "$line" ] || line=$(printf '%s\n' "$2" | last_line)
  printf '%s\n' "${line:-exit $1, without output}"
}

look_at_engine() {
  engine=$1 first=$2
  if ! has "$engine"; then
    tell "engine-$engine" no "$engine is not on the PATH"
    return
  fi
  said=$(limited "$engine" info 2>&1)
  status=$?
  if [ "$status" -ne 0 ]; then
    tell "engine-$engine" no "$engine does not answer: $(cause "$status" "$said")"
    return
  fi
  tell "engine-$engine" ok "$(limited "$engine" --version | sed -n 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -n 1)"
  if is_rootless "$engine"; then
    its_rootless=yes
    tell "rootless-$engine" ok
  else
    its_rootless=no
    tell "rootless-$engine" no "$engine is not rootless for $(id -un)"
  fi
  [ -z "$first" ] || rootless=$its_rootless
  # Podman 5 and later: pasta loses what flannel sends.
  [ "$engine" != podman ] || case $(limited podman info --format '{{.Host.RootlessNetworkCmd}}') in
    pasta) tell slirp4netns no "podman uses pasta" ;;
    *) tell slirp4netns ok ;;
  esac
  look_at_storage "$engine"
  try_exec "$engine" "$its_rootless"
}

# Rootless engines change the owners of files, which network file systems refuse.
look_at_storage() { # ENGINE
  case $1 in
    podman) root=$(limited podman info --format '{{.Store.GraphRoot}}') ;;
    docker) root=$(limited docker info --format '{{.DockerRootDir}}') ;;
    *) root='' ;;
  esac
  case $root in /*) ;; *) return 0 ;; esac
  if is_local "$root"; then tell "storage-$1" ok "$root ($kind)"; else tell "storage-$1" no "the storage of $1, $root, is on $kind"; fi
}

# The container is made of this host's own sleep(1) and cat(1) with their libraries. It has
# no network, is privileged as the template's, ends by itself, and is removed.
try_exec() { # ENGINE ROOTLESS
  engine=$1 image=usernetes-doctor:x$nonce name=usernetes-doctor-$nonce
  sleeps=$(command -v sleep) cats=$(command -v cat)
  # shellcheck disable=SC2046 # one word a library
  said=$(tar -chf - "$sleeps" "$cats" $(ldd "$sleeps" "$cats" | awk '$2 == "=>" { $1 = $3 } $1 ~ "^/.*[^:]$" { print $1 }' | sort -u) 2>/dev/null |
    limited "$engine" import - "$image" 2>&1)
  status=$?
  if [ "$status" -ne 0 ]; then
    tell "exec-$engine" ok "not tried: no image could be made: $(cause "$status" "$said")"
    return
  fi
  said=$(limited "$engine" run --detach --name "$name" --network none --pull never --privileged "$image" "$sleeps" 60 2>&1)
  status=$?
  if [ "$status" -ne 0 ]; then
    tell "exec-$engine" no "a container does not start: $(cause "$status" "$said")"
  else
    said=$(limited "$engine" exec "$name" "$cats" /proc/mounts 2>&1)
    status=$?
    if [ "$status" -ne 0 ]; then
      tell "exec-$engine" no "$engine exec does not work in a container that runs: $(cause "$status" "$said")"
    else
      tell "exec-$engine" ok
      look_at_sys "$engine" "$2" "$said"
    fi
  fi
  limited "$engine" rm --force "$name"
  limited "$engine" image rm --force "$image"
}

# systemd's udevd does not start where /sys is read-only.
look_at_sys() { # ENGINE ROOTLESS MOUNTS
  [ "$2" = no ] || return 0
  if printf '%s\n' "$3" | awk '$2 == "/sys" { ro = $4 ~ /(^|,)ro(,|$)/ } END { exit !ro }'; then
    tell "udevd-$1" no "/sys is read-only in a privileged container"
  else
    tell "udevd-$1" ok
  fi
}

look_at_compose() {
  engine=$1
  eval "compose=\$USERNETES_COMPOSE_$engine"
  # shellcheck disable=SC2154,SC2086
  if ! has ${compose%% *}; then
    tell "compose-$engine" no "${compose%% *} is not on the PATH"
    return
  fi
  # shellcheck disable=SC2086
  said=$(limited $compose version 2>&1)
  status=$?
  if [ "$status" -ne 0 ]; then
    tell "compose-$engine" no "$compose does not run: $(cause "$status" "$said")"
    return
  fi
  tell "compose-$engine" ok "$(printf '%s\n' "$said" | sed -n 's/^.*ompose[^0-9]*ersion[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -n 1)"
}

first=yes
# shellcheck disable=SC2153 # the caller sets it
for engine in $USERNETES_ENGINES; do
  look_at_engine "$engine" "$first"
  look_at_compose "$engine"
  first=''
done
