# Container engines: whether each one answers this user, its version, its compose, and whether a
# command can be executed in one of its containers, as the steps do. Two variables describe the
# first one. $rootless: yes, no, or nothing if it does not answer. $memlock: the limit of its
# containers as /proc/PID/limits prints it, or nothing if no container was started.
rootless='' memlock=''

is_rootless() {
  case $1 in
    podman) [ "$(limited podman info --format '{{.Host.Security.Rootless}}')" = true ] ;;
    *) limited "$1" info --format '{{json .SecurityOptions}}' | grep -q name=rootless ;;
  esac
}

# Prints why a command failed, from its status and output. The last line is often a
# summary: the first one that names an error is the cause.
cause() { # STATUS OUTPUT
  case $1 in 124 | 137) echo "it did not answer within $limit_s s (time-out)" && return ;; esac
  line=$(printf '%s\n' "$2" | grep -aiE '^[[:space:]]*(error|fatal|fata\[|cannot)|level="?(error|fatal)' | head -n 1)
  [ -n "$line" ] || line=$(printf '%s\n' "$2" | last_line)
  printf '%s\n' "${line:-exit $1, without output}"
}

look_at_engine() {
  engine=$1 first=$2
  if ! has "$engine"; then
    report "engine-$engine" no "$engine is not on the PATH"
    return
  fi
  output=$(limited "$engine" info 2>&1)
  status=$?
  if [ "$status" -ne 0 ]; then
    report "engine-$engine" no "$engine does not answer: $(cause "$status" "$output")"
    return
  fi
  report "engine-$engine" ok "$(limited "$engine" --version | sed -n 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -n 1)"
  if is_rootless "$engine"; then
    its_rootless=yes
    report "rootless-$engine" ok
  else
    its_rootless=no
    report "rootless-$engine" no "$engine is not rootless for $(id -un)"
  fi
  [ -z "$first" ] || rootless=$its_rootless
  # Podman 5 and later: pasta drops flannel's packets.
  [ "$engine" != podman ] || case $(limited podman info --format '{{.Host.RootlessNetworkCmd}}') in
    pasta) report slirp4netns no "podman uses pasta" ;;
    *) report slirp4netns ok ;;
  esac
  look_at_storage "$engine"
  try_exec "$engine" "$its_rootless"
}

# Rootless engines change the owners of files, which network file systems refuse.
look_at_storage() { # ENGINE
  case $1 in
    podman) root=$(limited podman info --format '{{.Store.GraphRoot}}') ;;
    docker) root=$(limited docker info --format '{{.DockerRootDir}}') ;;
    # nerdctl does not print it: this is where containerd-rootless.sh puts it.
    *) root=${XDG_DATA_HOME:-${HOME:-}/.local/share}/containerd ;;
  esac
  case $root in /*) ;; *) return 0 ;; esac
  [ "$1" != nerdctl ] || [ -d "$root" ] || return 0
  if is_local "$root"; then report "storage-$1" ok "$root ($kind)"; else report "storage-$1" no "the storage of $1, $root, is on $kind"; fi
}

# The container consists of this host's own sleep(1) and cat(1) with their libraries. It has no
# network, is privileged like the template's, ends by itself, and is removed.
try_exec() { # ENGINE ROOTLESS
  engine=$1 image=usernetes-doctor:x$nonce name=usernetes-doctor-$nonce
  sleeps=$(command -v sleep) cats=$(command -v cat)
  # shellcheck disable=SC2046 # one word a library
  output=$(tar -chf - "$sleeps" "$cats" $(ldd "$sleeps" "$cats" | awk '$2 == "=>" { $1 = $3 } $1 ~ "^/.*[^:]$" { print $1 }' | sort -u) 2>/dev/null |
    limited "$engine" import - "$image" 2>&1)
  status=$?
  if [ "$status" -ne 0 ]; then
    report "exec-$engine" ok "not tried: no image could be made: $(cause "$status" "$output")"
    return
  fi
  report "image-for-exec-$engine" ok
  output=$(limited "$engine" run --detach --name "$name" --network none --pull never --privileged "$image" "$sleeps" 60 2>&1)
  status=$?
  if [ "$status" -ne 0 ]; then
    report "exec-$engine" no "a container does not start: $(cause "$status" "$output")"
  else
    report "container-for-exec-$engine" ok
    output=$(limited "$engine" exec "$name" "$cats" /proc/mounts /proc/self/limits 2>&1)
    status=$?
    if [ "$status" -ne 0 ]; then
      report "exec-$engine" no "$engine exec does not work in a container that runs: $(cause "$status" "$output")"
    else
      report "exec-$engine" ok
      [ -z "$first" ] || memlock=$(printf '%s\n' "$output" | locked_memory)
      look_at_sys "$engine" "$2" "$output"
    fi
  fi
  limited "$engine" rm --force "$name"
  limited "$engine" image rm --force "$image"
}

locked_memory() { awk '/^Max locked memory/ { print $4; exit }'; }

# systemd's udevd does not start where /sys is read-only.
look_at_sys() { # ENGINE ROOTLESS MOUNTS
  [ "$2" = no ] || return 0
  if printf '%s\n' "$3" | awk '$2 == "/sys" { ro = $4 ~ /(^|,)ro(,|$)/ } END { exit !ro }'; then
    report "udevd-$1" no "/sys is read-only in a privileged container"
  else
    report "udevd-$1" ok
  fi
}

look_at_compose() {
  engine=$1
  eval "compose=\$USERNETES_COMPOSE_$engine"
  # shellcheck disable=SC2154,SC2086
  if ! has ${compose%% *}; then
    report "compose-$engine" no "${compose%% *} is not on the PATH"
    return
  fi
  # shellcheck disable=SC2086
  output=$(limited $compose version 2>&1)
  status=$?
  if [ "$status" -ne 0 ]; then
    report "compose-$engine" no "$compose does not run: $(cause "$status" "$output")"
    return
  fi
  report "compose-$engine" ok "$(printf '%s\n' "$output" | sed -n 's/^.*ompose[^0-9]*ersion[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -n 1)"
}

first=yes
# shellcheck disable=SC2153 # the caller sets it
for engine in $USERNETES_ENGINES; do
  look_at_engine "$engine" "$first"
  look_at_compose "$engine"
  first=''
done
