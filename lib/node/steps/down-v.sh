# parts: paths leftovers
# Removes the cluster's resources on this node: containers, networks, volumes, the image
# that was built for it, and the work directory.
#
# The Makefile in the work directory belongs to the user and proves nothing, so the script
# asks the engine for leftovers of the project. Safe to repeat, also after an incomplete
# bring-up or none at all. If the work directory has the marker of another cluster, the
# name belongs to that cluster, and nothing is touched. A work directory without a marker
# stays, but the engine's resources are still removed, because a user may have removed the
# marker. With USERNETES_KEEP the directory belongs to the caller: down-v runs in it, and
# it stays.
#
# The node's container is killed first. To stop it, the engine would wait up to ten seconds
# for its systemd, to save data that is then deleted. With USERNETES_KEEP it is stopped
# normally, because its programs may still write into the directory.
#
# If `up` has made nothing because the engine did not answer it, the engine is not needed here: a
# user whose engine does not run must not have each node of a job drained.
set -u
workdir=$USERNETES_WORKDIR engine=$USERNETES_ENGINE keep=${USERNETES_KEEP:-}

# These two get half of the time, in case the engine or the Makefile hangs.
seconds=${USERNETES_SECONDS:-60}
kill_seconds=$((seconds / 5))
[ "$kill_seconds" -gt 0 ] || kill_seconds=1
make_seconds=$(((seconds + 1) / 2 - kill_seconds))
# 0 would mean no limit.
[ "$make_seconds" -gt 0 ] || make_seconds=1

# `stop -t 0` kills immediately; unlike after `kill`, the container's policy does not restart it.
kill_node() {
  command -v "$engine" >/dev/null || return 0
  set -- timeout --foreground -k 5 "$kill_seconds" "$engine"
  names=$("$@" ps --filter "label=com.docker.compose.project=$USERNETES_PROJECT" --format '{{.Names}}' 2>/dev/null) || return 0
  for name in $names; do
    echo "killing container $name"
    "$@" stop -t 0 "$name" >/dev/null || true
  done
}

own=''
if [ -L "$workdir" ] || [ -e "$workdir" ]; then
  owner=$(read_owner)
  case $owner in
    "$USERNETES_MARKER") own=yes ;;
    # It belongs to another cluster whose ID differs only in case, and so does this project.
    [0-9]*\ *)
      echo "$workdir belongs to another cluster; not removed" >&2
      exit 0
      ;;
    # A stage that was killed leaves it without a marker, and empty otherwise.
    *)
      [ -n "$keep" ] || [ -L "$workdir" ] || [ -L "$state" ] || [ ! -O "$workdir" ] || rm -f "$state/owner.$member"
      [ -n "$keep" ] || { [ ! -L "$workdir" ] && [ -O "$workdir" ] && { rmdir "$state" "$workdir" || rmdir "$workdir"; } 2>/dev/null; } ||
        echo "$workdir has no marker of this cluster; not removed" >&2
      ;;
  esac
fi

if [ -n "$own" ] && [ -z "$keep" ] && [ ! -e "$node/up.with" ] && command -v "$engine" >/dev/null &&
  ! timeout --foreground -k 5 "$kill_seconds" "$engine" ps -q >/dev/null; then
  echo "$engine does not answer, and has made nothing for $USERNETES_PROJECT"
  engine=''
fi

[ -n "$keep" ] || kill_node
if [ -n "$engine" ] && [ -n "$own$keep" ] && [ -f "$workdir/Makefile" ] && command -v make >/dev/null; then
  (
    cd "$workdir" || exit
    set -a
    # Use the settings of the bring-up: the claim may have changed or been lost since.
    for settings in node.env up.with; do
      if [ -f "$node/$settings" ]; then . "$node/$settings"; fi
    done
    set +a
    setpriv --pdeathsig TERM timeout -k 5 "$make_seconds" make down-v
  ) || echo "make down-v failed; removing the resources with $engine" >&2
fi

if command -v "$engine" >/dev/null; then
  echo "checking $engine for leftovers"
  remove_left || exit 1
fi

{ [ -n "$own" ] && [ -z "$keep" ]; } || exit 0
# The last node removes a shared directory: others may still run their teardown.
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
  # The other nodes may have finished now, and have seen this node's directory.
  others
  if [ -n "$found" ]; then
    echo "$workdir stays for$found"
    exit 0
  fi
fi
# Two nodes may be the last ones at the same moment.
for pause in 0.2 1 ''; do
  rm -rf "$workdir" || true
  [ -e "$workdir" ] || exit 0
  [ -z "$pause" ] || sleep "$pause"
done
echo "left behind: $workdir" >&2
exit 1
