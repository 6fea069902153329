# Container engines: that each one answers this user, its version, its compose.
# $rootless is how the first one runs: yes, no, or nothing if it does not answer.
rootless=''

is_rootless() {
  case $1 in
    podman) [ "$(limited podman info --format '{{.Host.Security.Rootless}}')" = true ] ;;
    *) limited "$1" info --format '{{json .SecurityOptions}}' | grep -q name=rootless ;;
  esac
}

look_at_engine() {
  engine=$1 first=$2
  if ! has "$engine"; then
    tell "engine-$engine" no "$engine is not on the PATH"
    return
  fi
  if ! said=$(limited "$engine" info 2>&1); then
    tell "engine-$engine" no "$engine does not answer: $(printf '%s\n' "$said" | last_line)"
    return
  fi
  tell "engine-$engine" ok "$(limited "$engine" --version | sed -n 's/^[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -n 1)"
  if is_rootless "$engine"; then
    tell "rootless-$engine" ok
    [ -z "$first" ] || rootless=yes
  else
    tell "rootless-$engine" no "$engine is not rootless for $(id -un)"
    [ -z "$first" ] || rootless=no
  fi
  # Podman 5 and later: pasta loses what flannel sends.
  [ "$engine" != podman ] || case $(limited podman info --format '{{.Host.RootlessNetworkCmd}}') in
    pasta) tell slirp4netns no "podman uses pasta" ;;
    *) tell slirp4netns ok ;;
  esac
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
  if ! said=$(limited $compose version 2>&1); then
    tell "compose-$engine" no "$compose does not run: $(printf '%s\n' "$said" | head -n 1)"
    return
  fi
  tell "compose-$engine" ok "$(printf '%s\n' "$said" | sed -n 's/^.*ompose[^0-9]*ersion[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -n 1)"
}

first=yes
for engine in $USERNETES_ENGINES; do
  look_at_engine "$engine" "$first"
  look_at_compose "$engine"
  first=''
done
