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

# A port of the cluster's four, that no other of them has, by what the caller set or the template has.
checked_port() { # NAME VALUE
  case $2 in
    0* | *[!0-9]* | ??????*) fail 2 "$1: found \"$2\", allowed: a port, 1 to 65535" ;;
  esac
  [ "$2" -le 65535 ] || fail 2 "$1: found \"$2\", allowed: a port, 1 to 65535"
  for port in $template_ports; do
    other=${port%=*}
    [ "$other" != "$1" ] || continue
    eval "theirs=\${$other:-${port#*=}}"
    [ "$theirs" != "$2" ] || fail 2 "$1: found \"$2\", which $other has too: each needs a port of its own"
  done
}

# A name that Kubernetes, and sethostname(2), take for a node.
checked_name() { # NAME VALUE
  case .$2. in
    *[!a-z0-9.-]* | *..* | *.-* | *-.*)
      fail 2 "$1: found \"$2\", allowed: lower-case letters, digits, - and . as in a host name (RFC 1123)"
      ;;
  esac
  [ ${#2} -le 63 ] || fail 2 "$1: found \"$2\" with ${#2} characters, allowed: 63"
}

# The template makes the node's address of it: the same with .100 at its end.
checked_subnet() { # NAME VALUE
  case $2 in *.0/24) is_address "${2%/24}" && return ;; esac
  fail 2 "$1: found \"$2\", allowed: a /24, as 10.100.1.0/24"
}

is_address() { # TEXT
  rest=$1. count=0
  while [ -n "$rest" ]; do
    part=${rest%%.*} rest=${rest#*.} count=$((count + 1))
    case $part in '' | *[!0-9]* | 0?* | ????*) return 1 ;; esac
    [ "$part" -le 255 ] || return 1
  done
  [ "$count" -eq 4 ]
}

# Lines for node.env: what the caller set, in both generations of the template's names.
settings() {
  for name in PORT_ETCD PORT_KUBELET PORT_FLANNEL PORT_KUBE_APISERVER; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || continue
    checked_port "$name" "$value"
    echo "$name=$value"
  done
  for name in HOST_IP NODE_NAME NODE_SUBNET; do
    eval "value=\${$name:-\${U7S_$name:-}}"
    [ -n "$value" ] || continue
    case $name in
      HOST_IP) is_address "$value" || fail 2 "HOST_IP: found \"$value\", allowed: an IPv4 address" ;;
      NODE_NAME) checked_name "$name" "$value" ;;
      NODE_SUBNET) checked_subnet "$name" "$value" ;;
    esac
    printf '%s=%s\nU7S_%s=%s\n' "$name" "$value" "$name" "$value"
  done
}

# As usernetes.adjustments and its default (lib/config/schema.ts). With --serial nothing
# comes after kubeadm-init that sets the addresses.
choose_adjustments() {
  known='kubernetes-version no-leader-election host-docker-internal one-sync signed-token ecdsa-keys etcd-no-fsync'
  wanted=${USERNETES_ADJUSTMENTS-kubernetes-version no-leader-election host-docker-internal one-sync signed-token}
  USERNETES_ADJUSTMENTS=''
  for name in $wanted; do
    case " $known " in
      *" $name "*) ;;
      *) fail 2 "USERNETES_ADJUSTMENTS: found \"$name\", allowed: $known" ;;
    esac
    [ "$name$serial" = one-syncyes ] || USERNETES_ADJUSTMENTS="$USERNETES_ADJUSTMENTS $name"
  done
}

# The environment of the steps, from here on.
tell_steps() {
  choose_engine
  USERNETES_WORKDIR=$workdir USERNETES_PROJECT=$project
  USERNETES_MARKER=$marker USERNETES_ENGINE=$engine USERNETES_SIZE=$((${workers:-0} + 1))
  USERNETES_LEAD=${lead:-} USERNETES_SHARED=auto USERNETES_KEEP=yes USERNETES_WITHOUT='' USERNETES_SUBNET='' USERNETES_RANKS='' USERNETES_RANK=''
  CONTAINER_ENGINE=$engine COMPOSE=${COMPOSE:-$compose -p $project} COMPOSE_PROJECT_NAME=$project
  # flux exec brings that of another node along.
  HOSTNAME=$host
  USERNETES_READY=${USERNETES_READY:-dns}
  case $USERNETES_READY in
    nodes | network | dns) ;;
    *) fail 2 "USERNETES_READY: found \"$USERNETES_READY\", allowed: nodes, network or dns" ;;
  esac
  USERNETES_SCHEDULE_ON_LEAD=${USERNETES_SCHEDULE_ON_LEAD:-auto}
  case $USERNETES_SCHEDULE_ON_LEAD in
    auto | yes | no) ;;
    *) fail 2 "USERNETES_SCHEDULE_ON_LEAD: found \"$USERNETES_SCHEDULE_ON_LEAD\", allowed: auto, yes or no" ;;
  esac
  choose_adjustments
  export USERNETES_READY USERNETES_SCHEDULE_ON_LEAD USERNETES_ADJUSTMENTS
  export USERNETES_WORKDIR USERNETES_LEAD USERNETES_PROJECT USERNETES_MARKER USERNETES_ENGINE \
    USERNETES_SIZE USERNETES_SHARED USERNETES_KEEP USERNETES_WITHOUT USERNETES_SUBNET USERNETES_RANKS USERNETES_RANK \
    CONTAINER_ENGINE COMPOSE COMPOSE_PROJECT_NAME HOSTNAME
  detail "$workdir on $host: $engine, project $project"
}

# Before the first step that makes something: the directory, and what is remembered in it.
prepare() {
  command -v make >/dev/null || fail 1 "make is not installed on this node, or not on the PATH $PATH"
  tell_steps
  settled=$(settings) || exit
  refuse_full "$workdir"
  if ! compose_file "$workdir" >/dev/null || { [ -f "$state/owner" ] && [ ! -e "$state/staged" ]; }; then
    find_template
    take stage || exit 1
  fi
  { mkdir -p "$node" && chmod 700 "$state" "$node"; } 2>/dev/null ||
    fail 1 "$node cannot be made: the work directory must be yours"
  refuse_no_address
  mkdir -p "$workdir/worker-ready-cache"
  printf '%s\n' "$engine" >"$node/engine"
  printf '%s\n' "$settled" >"$node/node.env"
}

# What is written next would fail in the shell's own words.
refuse_full() { # DIR
  full=$(why_full "$1" '')
  [ -z "$full" ] || fail 1 "$full"
}

# The template would take an empty HOST_IP for an address.
refuse_no_address() {
  [ -z "${HOST_IP:-${U7S_HOST_IP:-}}" ] && uses_address "$workdir" || return 0
  find_address '' || fail 1 "the address of this node cannot be found: $lacks; set HOST_IP to the address that the cluster's nodes reach it at"
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
