# Removes all that the cluster has on this node: containers, networks, volumes,
# the image built for it, the workdir.
#
# The workdir's Makefile belongs to the user and proves nothing, so the engine is
# asked, by project, what is left. Safe to repeat, after half a bring-up, and
# where nothing was ever made. A workdir with another's marker means that this
# name is another cluster's: nothing of it is touched.
set -u
workdir=$USERNETES_WORKDIR project=$USERNETES_PROJECT engine=$USERNETES_ENGINE
state=$workdir/.usernetes

if [ -L "$workdir" ] || [ -e "$workdir" ]; then
  owner=$(cat "$state/owner" 2>/dev/null)
  if [ -L "$workdir" ] || [ "${owner% *}" != "$USERNETES_MARKER" ]; then
    # A stage that was killed leaves it with no owner and nothing else in it.
    rmdir "$state" "$workdir" 2>/dev/null || rmdir "$workdir" 2>/dev/null ||
      echo "$workdir is not this cluster's and stays" >&2
    exit 0
  fi
  if [ -f "$workdir/Makefile" ] && command -v make >/dev/null; then
    (
      cd "$workdir" || exit
      set -a
      # As it was brought up: a claim may have been lost, or made anew since.
      for settings in .usernetes/node.env .usernetes/up.with; do
        if [ -f "$settings" ]; then . "./$settings"; fi
      done
      set +a
      # Half of the time is left for what follows, should it hang.
      setpriv --pdeathsig TERM timeout -k 5 "$((${USERNETES_SECONDS:-60} / 2 + 1))" make down-v
    ) || echo "make down-v failed; asking $engine" >&2
  fi
fi

echo "asking $engine what is left"
left() { # what the engine has of this project, one a line: kind name
  containers=$("$engine" ps -a --filter "label=com.docker.compose.project=$project" --format '{{.Names}}') || return
  networks=$("$engine" network ls --format '{{.Name}}') || return
  volumes=$("$engine" volume ls --format '{{.Name}}') || return
  images=$("$engine" image ls --format '{{.Repository}}:{{.Tag}}') || return
  printf '%s\n' "$containers" | grep -E "^${project}[-_]node([-_]1)?\$" | sed 's/^/container /' || true
  printf '%s\n' "$networks" | grep -E "^${project}_" | sed 's/^/network /' || true
  printf '%s\n' "$volumes" | grep -E "^${project}_" | sed 's/^/volume /' || true
  printf '%s\n' "$images" | grep -E "^(localhost/)?${project}[-_]node(:|\$)" | sed 's/^/image /' || true
}

if command -v "$engine" >/dev/null; then
  found=$(left) || { echo "$engine does not answer: what is left of $project is not known" >&2; exit 1; }
  if [ -n "$found" ]; then
    printf '%s\n' "$found" | while read -r kind name; do
      # Where this hangs it is the last line, and becomes the reason of the drain.
      echo "removing $kind $name"
      case $kind in
        container) "$engine" rm -f -v "$name" ;;
        *) "$engine" "$kind" rm "$name" ;;
      esac
    done
    found=$(left) || { echo "$engine does not answer: what is left of $project is not known" >&2; exit 1; }
    if [ -n "$found" ]; then
      printf 'left behind: %s\n' "$(printf '%s' "$found" | tr '\n' ',')" >&2
      exit 1
    fi
  fi
fi

rm -rf "$workdir"
if [ -e "$workdir" ]; then
  echo "left behind: $workdir" >&2
  exit 1
fi
