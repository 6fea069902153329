# parts: paths hosts address template hook-program adjust
# Makes the cluster's own copy of the template. If nodes share the work directory, one of
# them copies and the others wait.
#
# Safe to repeat: an incomplete directory with this cluster's marker is completed; a directory
# without it belongs to somebody else and is never touched.
set -eu
fail() { echo "$*" >&2; exit 1; }

template=$USERNETES_TEMPLATE workdir=$USERNETES_WORKDIR

# A template that the job names must belong to its user, as whom this script runs.
if [ -n "${USERNETES_USER_TEMPLATE:-}" ]; then
  [ -d "$template" ] || fail "usernetes_template: $template is not a directory on this node, or uid $(id -u) may not see it: put a clone of rootless-containers/usernetes there"
  [ -O "$template" ] || fail "usernetes_template: $template is not owned by uid $(id -u): a job may name a directory of its own user, or a template of the site"
fi
[ -d "$template" ] || fail "the template $template is not on this node: clone rootless-containers/usernetes there, or set usernetes.template"
[ -f "$template/Makefile" ] || fail "the template $template has no Makefile: it does not look like a clone of rootless-containers/usernetes"
command -v make >/dev/null || fail "make is not installed on this node, or not on the PATH $PATH"

# A link that leads out of the template would lead out of the copy too, to files that other
# clusters share. A fifo, socket or device cannot be copied.
cd -P "$template"
top=$PWD
export top
# shellcheck disable=SC2016 # it is for the inner shell
strange=$(find . \( -path ./.git -o -path ./.usernetes -o -path ./kubeconfig -o -path ./join-command \) -prune \
  -o ! -type f ! -type d -exec sh -c '
for entry; do
  name=${entry#./}
  if [ ! -L "$entry" ]; then echo "$name is neither a file, a directory nor a link: remove it"; continue; fi
  to=$(readlink "$entry")
  case $to in /*) leads= ;; *) leads=$(readlink -f "$entry") ;; esac
  case $leads in
    "$top" | "$top"/*) ;;
    *) echo "$name is a link that leads out of it, to $to: put a copy in its place" ;;
  esac
done' sh {} +)
[ -z "$strange" ] || fail "the template $template: $(printf '%s\n' "$strange" | head -n 1)"
cd /
template_lacks "$template"
[ -z "$lacks" ] || fail "the template $lacks"

images=${USERNETES_IMAGES:-}
[ -z "$images" ] || { [ -d "$images" ] && [ -r "$images" ] && [ -x "$images" ]; } ||
  fail "the image directory $images (usernetes.images) is not on this node, or $(id -un) cannot read it; create it there, or change usernetes.images"

# Checks the programs now, so that a job does not fail at its end because of a missing one. The
# lead may get its kubectl from the template.
check_hook() { # NAME PROGRAM
  [ -n "$2" ] || return 0
  hook_lacks "$1" "$2" "$template"
  [ -z "$lacks" ] || fail "$lacks"
}
check_hook before-up "${USERNETES_BEFORE_UP:-}"
check_hook before-down "${USERNETES_BEFORE_DOWN:-}"
if [ "$member" = "${USERNETES_LEAD:-}" ]; then
  case ${USERNETES_AFTER_READY:-} in kubectl) ;; *) check_hook after-ready "${USERNETES_AFTER_READY:-}" ;; esac
fi

if mkdir -m 700 "$workdir" 2>/dev/null; then
  :
elif [ ! -e "$workdir" ] && [ ! -L "$workdir" ]; then
  fail "the work directory $workdir cannot be made; check that ${workdir%/*} exists and is writable"
elif [ -L "$workdir" ] || [ ! -d "$workdir" ] || [ ! -O "$workdir" ]; then
  fail "$workdir already exists and is not a directory owned by uid $(id -u); remove it or change usernetes.workdir"
elif [ -L "$state" ] || { [ -e "$state" ] && [ ! -d "$state" ]; }; then
  fail "$workdir already exists, is not empty and does not belong to a cluster; remove it or change usernetes.workdir"
else
  # Another node may be making a shared directory at this moment.
  tries=0
  while [ ! -e "$state/owner" ] && [ "$tries" -lt 10 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  owner=$(read_owner)
  # shellcheck disable=SC2010 # names only count
  case $owner in
    "$USERNETES_MARKER") ;;
    ?*) fail "$workdir belongs to another job ($(printf '%s\n' "$owner" | head -n 1 | cut -c 1-60))" ;;
    # A stage that was killed leaves it without a marker, and empty otherwise.
    *) [ -z "$(ls -A "$workdir" | grep -vx .usernetes)$(ls -A "$state" 2>/dev/null | grep -v '^owner\.')" ] ||
      fail "$workdir already exists, is not empty and does not belong to a cluster; remove it or change usernetes.workdir" ;;
  esac
  chmod 700 "$workdir"
fi
mkdir -p "$state"
# Written elsewhere and renamed, so that it is complete.
write() { # FILE WORDS
  if [ -e "$1.$member" ] || [ -L "$1.$member" ]; then rm -f "$1.$member"; fi
  printf '%s\n' "$2" >"$1.$member"
  mv "$1.$member" "$1"
}
write "$state/owner" "$USERNETES_MARKER"
# A daemon that has lost its records needs these settings for the teardown.
write "$state/engine" "$USERNETES_ENGINE"
mkdir -p "$node"
others=''
for other in "$state/nodes"/*; do
  [ "${other##*/}" = "$member" ] || others=${other##*/}
done
if [ "$USERNETES_SHARED" = no ] && [ -n "$others" ]; then
  find_host "$others" || host="rank $others"
  fail "${workdir%/*} (usernetes.workdir) is shared with $host: set usernetes.shared-filesystem to auto, or usernetes.workdir to a directory of each node's own"
fi

# Copies the clone without its history and without files of an administrator's own cluster.
# Files keep their modes, by which an engine identifies an image's layers; the directory itself
# is private.
copy() {
  set --
  for entry in "$template"/* "$template"/.[!.]*; do
    case ${entry##*/} in .git | .usernetes | kubeconfig | join-command) continue ;; esac
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    set -- "$@" "$entry"
  done
  umask 0
  cp -R "$@" "$workdir/"
  umask 077
  add_host_name
  : >"$state/staged"
}

# kind's node image looks up host.docker.internal when it starts, and falls back to the default
# gateway, after 5 s if no DNS answers. Therefore the container gets the name, with that address.
# Nodes may share the file, so the address is a variable. An override file or a name of the
# template's own stays as it is.
add_host_name() {
  adjusts host-docker-internal && [ -n "${USERNETES_SUBNET:-}" ] || return 0
  find_compose_file "$workdir" || return 0
  ! grep -qs host.docker.internal "$compose_file" || return 0
  for name in "$workdir"/*compose.override.y*ml; do
    [ ! -e "$name" ] && [ ! -L "$name" ] || return 0
  done
  # shellcheck disable=SC2016 # it is for compose
  printf '%s\n' '# Of this cluster: the address that host.docker.internal has where no DNS knows it.' \
    'services:' '  node:' '    extra_hosts:' \
    '      - "host.docker.internal:${USERNETES_GATEWAY:-127.0.0.1}"' >"${compose_file%.*}.override.${compose_file##*.}"
}

# Whether this node copies: the node that first makes this file does.
copies() {
  set -C
  if printf '%s\n' "$member" >"$state/copying"; then by=$member; else read -r by <"$state/copying" || by=''; fi
  set +C
  [ "$by" = "$member" ]
} 2>/dev/null

# After a failed copy another node tries; after a kill this node repeats it.
while [ ! -e "$state/staged" ]; do
  if copies; then
    trap 'rm -f "$state/copying"' EXIT
    # Another node may have finished its copy at this moment.
    [ -e "$state/staged" ] || copy
    trap - EXIT
  else
    sleep 0.1
  fi
done

# If the cluster has no subnet, the template chooses one for each node.
[ -n "${USERNETES_SUBNET:-}" ] || exit 0

rank=$USERNETES_RANK
find_host "$rank" || fail "rank $rank is not one of the cluster's ranks $USERNETES_RANKS"

# Each rank has the next /24 of the cluster's block.
rest=${USERNETES_SUBNET%/24}
a=${rest%%.*} rest=${rest#*.}
b=${rest%%.*} rest=${rest#*.}
c=${rest%%.*}
third=$(((a * 256 + b) * 256 + c + place))
subnet=$((third / 65536)).$((third / 256 % 256)).$((third % 256)).0/24

interface=${USERNETES_INTERFACE:-}
find_address "$interface" || [ -z "$interface" ] || fail "$lacks"
# The template would not find an address either, and would use an empty one.
[ -n "$address" ] || ! uses_address "$template" ||
  fail "the address of this node cannot be found: $lacks; set usernetes.interface to the interface that the cluster's nodes reach each other by"

# The name that the daemon uses for the node (lib/usernetes/names.ts).
name=$host
case $name in *[A-Z]*) name=$(printf '%s' "$host" | tr '[:upper:]' '[:lower:]') ;; esac
# Before 2024-12-12 the template's own variables started with U7S_.
for variable in "NODE_NAME=u7s-$name" "NODE_SUBNET=$subnet" "NODE_IP=${subnet%.0/24}.100" ${address:+"HOST_IP=$address"}; do
  printf '%s\nU7S_%s\n' "$variable" "$variable"
done >"$node/node.env"
echo "USERNETES_GATEWAY=${subnet%.0/24}.1" >>"$node/node.env"
