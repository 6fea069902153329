# parts: paths hosts address template hook-program adjust
# Makes the cluster's own copy of the template, for this node or, where the work
# directory is shared, for all that see it: one of them copies, the others wait.
#
# Safe to repeat: a directory with our marker in it is filled if it is not full;
# one without is somebody else's and is never touched.
set -eu
fail() { echo "$*" >&2; exit 1; }

template=$USERNETES_TEMPLATE workdir=$USERNETES_WORKDIR

# One that the job has named is its user's own, who copies it here as themselves.
if [ -n "${USERNETES_USER_TEMPLATE:-}" ]; then
  [ -d "$template" ] || fail "usernetes_template: $template is not a directory on this node, or uid $(id -u) may not see it: put a clone of rootless-containers/usernetes there"
  [ -O "$template" ] || fail "usernetes_template: $template is not owned by uid $(id -u): a job may name a directory of its own user, or a template of the site"
fi
[ -d "$template" ] || fail "the template $template is not on this node: clone rootless-containers/usernetes there, or set usernetes.template"
[ -f "$template/Makefile" ] || fail "the template $template has no Makefile: it does not look like a clone of rootless-containers/usernetes"
command -v make >/dev/null || fail "make is not installed on this node, or not on the PATH $PATH"

# What leads out of the template would lead out of the copy as well, to what
# other clusters share; what is no file cannot be copied at all.
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
  fail "the image directory $images (usernetes.images) is not on this node, or $(id -un) cannot read it"

# A job is not to be lost at its end to a program that was never there. The lead may get its
# kubectl from the template.
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

# Whose a directory is, if a cluster's; nothing planted is followed or waited for.
owner_of() {
  if [ ! -L "$1/.usernetes" ] && [ ! -L "$1/.usernetes/owner" ] && [ -f "$1/.usernetes/owner" ]; then
    # By hand it has the path of the directory, which has 4,096 bytes at most.
    head -c 8192 "$1/.usernetes/owner"
  fi
}

if mkdir -m 700 "$workdir" 2>/dev/null; then
  :
elif [ ! -e "$workdir" ] && [ ! -L "$workdir" ]; then
  fail "the work directory $workdir cannot be made: is ${workdir%/*} there and writable?"
elif [ -L "$workdir" ] || [ ! -d "$workdir" ] || [ ! -O "$workdir" ]; then
  fail "$workdir already exists and is not a directory owned by uid $(id -u); remove it or change usernetes.workdir"
elif [ -L "$state" ] || { [ -e "$state" ] && [ ! -d "$state" ]; }; then
  fail "$workdir already exists, is not empty and does not belong to a cluster; remove it or change usernetes.workdir"
else
  # Where it is shared, another node may be making it this very moment.
  tries=0
  while [ ! -e "$state/owner" ] && [ "$tries" -lt 10 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  owner=$(owner_of "$workdir")
  # shellcheck disable=SC2010 # names only count
  case $owner in
    "$USERNETES_MARKER") ;;
    ?*) fail "$workdir belongs to another job ($(printf '%s\n' "$owner" | head -n 1 | cut -c 1-60))" ;;
    # One that was killed leaves it without an owner, and with nothing else in it.
    *) [ -z "$(ls -A "$workdir" | grep -vx .usernetes)$(ls -A "$state" 2>/dev/null | grep -v '^owner\.')" ] ||
      fail "$workdir already exists, is not empty and does not belong to a cluster; remove it or change usernetes.workdir" ;;
  esac
  chmod 700 "$workdir"
fi
mkdir -p "$state"
# Written elsewhere and moved, so that it is whole.
write() { # FILE WORDS
  if [ -e "$1.$member" ] || [ -L "$1.$member" ]; then rm -f "$1.$member"; fi
  printf '%s\n' "$2" >"$1.$member"
  mv "$1.$member" "$1"
}
write "$state/owner" "$USERNETES_MARKER"
# What a daemon that has lost its records needs to take it down.
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

# All but the clone's history and what an administrator's own try-out left there.
# Each file has the mode that it has there, since an engine knows an image's layers by
# it; nobody else can look into the directory.
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

# kind's node image looks up host.docker.internal when it starts, and takes the default
# gateway where there is no such name. Where no DNS answers that takes 5 s: the container
# gets the name, with the address that it would have taken. All nodes may share the file, so
# that the address is a variable; the template's own override or name stays alone.
add_host_name() {
  adjusts host-docker-internal && [ -n "${USERNETES_SUBNET:-}" ] || return 0
  compose=$(compose_file "$workdir") || return 0
  ! grep -qs host.docker.internal "$compose" || return 0
  for name in "$workdir"/*compose.override.y*ml; do
    [ ! -e "$name" ] && [ ! -L "$name" ] || return 0
  done
  # shellcheck disable=SC2016 # it is for compose
  printf '%s\n' '# Of this cluster: the address that host.docker.internal has where no DNS knows it.' \
    'services:' '  node:' '    extra_hosts:' \
    '      - "host.docker.internal:${USERNETES_GATEWAY:-127.0.0.1}"' >"${compose%.*}.override.${compose##*.}"
}

# Whether it is this node that copies: the first to make that file.
copies() {
  set -C
  if printf '%s\n' "$member" >"$state/copying"; then by=$member; else read -r by <"$state/copying" || by=''; fi
  set +C
  [ "$by" = "$member" ]
} 2>/dev/null

# One that failed lets another node try; one that was killed is repeated here.
while [ ! -e "$state/staged" ]; do
  if copies; then
    trap 'rm -f "$state/copying"' EXIT
    # Another node may have ended its copy in this very moment.
    [ -e "$state/staged" ] || copy
    trap - EXIT
  else
    sleep 0.1
  fi
done

# With no subnet of the cluster's, each node has the template's own choice.
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
# The template would find none either, and take that for an address.
[ -n "$address" ] || ! uses_address "$template" ||
  fail "the address of this node cannot be found: $lacks; set usernetes.interface to the interface that the cluster's nodes reach each other by"

# As the daemon knows the node (lib/usernetes/names.ts).
name=$host
case $name in *[A-Z]*) name=$(printf '%s' "$host" | tr '[:upper:]' '[:lower:]') ;; esac
# Until 2024-12-12 the template's own variables began with U7S_.
for variable in "NODE_NAME=u7s-$name" "NODE_SUBNET=$subnet" "NODE_IP=${subnet%.0/24}.100" ${address:+"HOST_IP=$address"}; do
  printf '%s\nU7S_%s\n' "$variable" "$variable"
done >"$node/node.env"
echo "USERNETES_GATEWAY=${subnet%.0/24}.1" >>"$node/node.env"
