# What the steps are told when they are taken by hand: the environment of
# lib/step/environment.ts, from this node and the caller's environment.
#
# The directory is the caller's: a clone of usernetes that is there already, on
# this node or shared by all. All that the template chooses by itself is left to
# it, so that `make -C DIR ...` means the same cluster before and after: the node's
# name and subnet, the addresses, the ports unless PORT_* are set, the project.

# $workdir, as make and compose see it, and $host.
find_place() {
  host=$(hostname)
  case $workdir in
    '') default_workdir ;;
    /*) ;;
    *) workdir=$(pwd -P)/$workdir ;;
  esac
  while [ "$workdir" != / ] && [ "${workdir%/}" != "$workdir" ]; do workdir=${workdir%/}; done
  if [ -d "$workdir" ]; then
    workdir=$(cd "$workdir" && pwd -P) || fail 1 "$workdir cannot be entered"
  elif [ -e "$workdir" ] || [ -L "$workdir" ]; then
    fail 1 "$workdir is no directory; give a clone of usernetes as --workdir DIR"
  fi
  case $workdir in
    / | "${HOME:-/}") fail 1 "$workdir is no work directory of a cluster; give a clone of usernetes as --workdir DIR" ;;
  esac
  # As compose makes it of the directory's name.
  project=${COMPOSE_PROJECT_NAME:-$(printf '%s' "${workdir##*/}" | tr '[:upper:]' '[:lower:]' | LC_ALL=C tr -cd 'a-z0-9_-' | sed 's/^[_-]*//')}
  case $project in
    '' | *[!a-z0-9_-]*) fail 1 "$workdir: no compose project can be named after it; set COMPOSE_PROJECT_NAME to lower-case letters, digits, - and _" ;;
  esac
  state=$workdir/.usernetes
  node=$state/nodes/$host
  marker="0 by-hand:$workdir"
  refuse_foreign
}

# A daemon's cluster is the daemon's alone to touch.
refuse_foreign() {
  [ ! -L "$state" ] || fail 1 "$state is a link; remove it"
  [ -f "$state/owner" ] || return 0
  owner=$(head -n 1 "$state/owner" | head -c 200)
  case $owner in
    "$marker") ;;
    *) fail 1 "$workdir is managed by the flux-usernetes daemon (${owner%% *}); use another --workdir DIR" ;;
  esac
}

# A value of the caller's environment that is written down for later steps.
checked() { # NAME VALUE PATTERN-OF-WHAT-IS-NOT-ALLOWED WHAT-IS-ALLOWED
  # shellcheck disable=SC2254 # it is a pattern
  case $2 in '' | $3) fail 2 "$1: found \"$2\", allowed: $4" ;; esac
}

# The engine: the caller's, the one it was brought up with, or the template's choice.
choose_engine() {
  engine=${CONTAINER_ENGINE:-}
  if [ -z "$engine" ] && [ -f "$node/engine" ]; then read -r engine <"$node/engine"; fi
  detect=$workdir/Makefile.d/detect-container-engine.sh
  if [ -z "$engine" ] && [ -x "$detect" ]; then
    engine=$("$detect" CONTAINER_ENGINE 2>/dev/null) || engine=''
  fi
  engine=${engine:-docker}
  case ${engine##*/} in
    docker | nerdctl) compose="$engine compose" ;;
    podman) compose=podman-compose ;;
    *) fail 2 "CONTAINER_ENGINE: found \"$engine\", allowed: docker, podman or nerdctl" ;;
  esac
  checked CONTAINER_ENGINE "$engine" '*[!A-Za-z0-9_./-]*' "a path of letters, digits and _ . -"
}

# Lines for node.env: what the caller set, in both generations of the template's names.
settings() {
  for name in PORT_ETCD PORT_KUBELET PORT_FLANNEL PORT_KUBE_APISERVER; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || continue
    checked "$name" "$value" '*[!0-9]*' "a port"
    echo "$name=$value"
  done
  for name in HOST_IP NODE_NAME NODE_SUBNET; do
    eval "value=\${$name:-\${U7S_$name:-}}"
    [ -n "$value" ] || continue
    checked "$name" "$value" '*[!A-Za-z0-9_.:/-]*' "letters, digits and _ . : / -"
    printf '%s=%s\nU7S_%s=%s\n' "$name" "$value" "$name" "$value"
  done
}

# The environment of the steps, from here on.
tell_steps() {
  choose_engine
  USERNETES_WORKDIR=$workdir USERNETES_PROJECT=$project
  USERNETES_MARKER=$marker USERNETES_ENGINE=$engine USERNETES_SIZE=$((${workers:-0} + 1))
  USERNETES_LEAD=${lead:-} USERNETES_SHARED=auto USERNETES_KEEP=yes USERNETES_WITHOUT='' USERNETES_SUBNET='' USERNETES_RANKS=''
  CONTAINER_ENGINE=$engine COMPOSE=${COMPOSE:-$compose -p $project} COMPOSE_PROJECT_NAME=$project
  # flux exec brings that of another node along.
  HOSTNAME=$host
  export USERNETES_WORKDIR USERNETES_LEAD USERNETES_PROJECT USERNETES_MARKER USERNETES_ENGINE \
    USERNETES_SIZE USERNETES_SHARED USERNETES_KEEP USERNETES_WITHOUT USERNETES_SUBNET USERNETES_RANKS \
    CONTAINER_ENGINE COMPOSE COMPOSE_PROJECT_NAME HOSTNAME
  detail "$workdir on $host: $engine, project $project"
}

# Before the first step that makes something: the directory, and what is remembered in it.
prepare() {
  command -v make >/dev/null || fail 1 "make is not installed on this node, or not on the PATH $PATH"
  tell_steps
  settled=$(settings) || exit
  if [ ! -e "$workdir/docker-compose.yaml" ] || { [ -f "$state/owner" ] && [ ! -e "$state/staged" ]; }; then
    find_template
    take stage || exit 1
  fi
  { mkdir -p "$node" && chmod 700 "$state" "$node"; } 2>/dev/null ||
    fail 1 "$node cannot be made: the work directory must be yours"
  mkdir -p "$workdir/worker-ready-cache"
  printf '%s\n' "$engine" >"$node/engine"
  printf '%s\n' "$settled" >"$node/node.env"
}

find_template() {
  # A batch job's own instance has no table; the one that it is in may.
  set --
  while [ -z "${USERNETES_TEMPLATE:-}" ] && timeout 10 flux "$@" getattr rank >/dev/null 2>&1; do
    USERNETES_TEMPLATE=$(timeout 10 flux "$@" config get --type=string usernetes.template 2>/dev/null) || USERNETES_TEMPLATE=''
    flux "$@" getattr parent-uri >/dev/null 2>&1 || break
    set -- "$@" --parent
  done
  if [ -z "${USERNETES_TEMPLATE:-}" ]; then
    [ -d "$workdir" ] || fail 1 "the work directory $workdir does not exist: clone usernetes there, or set USERNETES_TEMPLATE to a clone to copy"
    fail 1 "docker-compose.yaml does not exist in $workdir: clone usernetes there, or set USERNETES_TEMPLATE to a clone to copy"
  fi
  export USERNETES_TEMPLATE
}
