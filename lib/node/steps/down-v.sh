# parts: paths leftovers
# Removes all that the cluster has on this node: containers, networks, volumes,
# the image built for it, the workdir.
#
# The workdir's Makefile belongs to the user and proves nothing, so the engine is
# asked, by project, for leftovers. Safe to repeat, after half a bring-up, and
# where nothing was ever made. A workdir with another's marker means that this
# name is another cluster's: nothing of it is touched. One with no marker is
# nobody's that we know: it stays, and the engine is asked all the same, since a
# user may have taken the marker away. With USERNETES_KEEP the directory is its
# caller's own: made down-v in, and left where it is.
#
# The node's container is killed first. To stop it the engine waits until its systemd has
# stopped, at times ten seconds, for data that is thrown away with it. With USERNETES_KEEP
# it is stopped in its own time: what runs in it may still write into the directory.
set -u
workdir=$USERNETES_WORKDIR engine=$USERNETES_ENGINE keep=${USERNETES_KEEP:-}

# Whose a directory is, if a cluster's; nothing planted is followed or waited for. It ends
# the shell, which is a command substitution's.
owner_of() {
  if [ ! -L "$1" ] && [ -d "$1" ] && [ ! -L "$1/.usernetes" ] && [ ! -L "$1/.usernetes/owner" ] && [ -f "$1/.usernetes/owner" ]; then
    # By hand it has the path of the directory, which has 4,096 bytes at most.
    exec head -c 8192 "$1/.usernetes/owner"
  fi
}

# Half of the time is for these two, should the engine or the Makefile hang.
seconds=${USERNETES_SECONDS:-60}
kill_seconds=$((seconds / 5))
[ "$kill_seconds" -gt 0 ] || kill_seconds=1
make_seconds=$(((seconds + 1) / 2 - kill_seconds))
# With 0 there would be no limit.
[ "$make_seconds" -gt 0 ] || make_seconds=1

# `stop -t 0` kills at once, and unlike `kill` keeps the container's policy from starting it
# again.
kill_node() {
  command -v "$engine" >/dev/null || return 0
  set -- timeout --foreground -k 5 "$kill_seconds" "$engine"
  names=$("$@" ps --filter "label=com.docker.compose.project=$USERNETES_PROJECT" --format '{{.Names}}' 2>/dev/null) || return 0
  for name in $names; do
    echo "killing container $name"
    "$@" stop -t 0 "$name" >/dev/null || true
  done
}

ours=''
if [ -L "$workdir" ] || [ -e "$workdir" ]; then
  owner=$(owner_of "$workdir")
  case $owner in
    "$USERNETES_MARKER") ours=yes ;;
    # Another cluster's, by a name that differs in case alone: so is all of this project.
    [0-9]*\ *)
      echo "$workdir belongs to another cluster; not removed" >&2
      exit 0
      ;;
    # A stage that was killed leaves it with no owner and nothing else in it.
    *)
      [ -n "$keep" ] || [ -L "$workdir" ] || [ -L "$state" ] || [ ! -O "$workdir" ] || rm -f "$state/owner.$member"
      [ -n "$keep" ] || { [ ! -L "$workdir" ] && [ -O "$workdir" ] && { rmdir "$state" "$workdir" || rmdir "$workdir"; } 2>/dev/null; } ||
        echo "$workdir has no marker of this cluster; not removed" >&2
      ;;
  esac
fi

[ -n "$keep" ] || kill_node
if [ -n "$ours$keep" ] && [ -f "$workdir/Makefile" ] && command -v make >/dev/null; then
  (
    cd "$workdir" || exit
    set -a
    # As it was brought up: a claim may have been lost, or made again since.
    for settings in node.env up.with; do
      if [ -f "$node/$settings" ]; then . "$node/$settings"; fi
    done
    set +a
    setpriv --pdeathsig TERM timeout -k 5 "$make_seconds" make down-v
  ) || echo "make down-v failed; asking $engine" >&2
fi

if command -v "$engine" >/dev/null; then
  echo "checking $engine for leftovers"
  remove_left || exit 1
fi

{ [ -n "$ours" ] && [ -z "$keep" ]; } || exit 0
# Where it is shared, the last node removes it: others may be at their own teardown.
others() {
  found=''
  [ ! -L "$state/nodes" ] || return 0
  for other in "$state/nodes"/*; do
    [ "$other" = "$node" ] || [ ! -e "$other" ] || found="$found ${other##*/}"
  done
}
others
if [ -n "$found" ]; then
  rm -rf "$node"
  # They may be gone by now, and have seen this one.
  others
  if [ -n "$found" ]; then
    echo "$workdir stays for$found"
    exit 0
  fi
fi
# Two may be the last ones at the same moment.
for pause in 0.2 1 ''; do
  rm -rf "$workdir" || true
  [ -e "$workdir" ] || exit 0
  [ -z "$pause" ] || sleep "$pause"
done
echo "left behind: $workdir" >&2
exit 1
