# Goes after make.sh's `up`: whether the cluster's own container runs now.
#
# podman-compose warns, and gives 0, where the engine has made no container, or has
# not started it, or where it has started another's of that name.
runs=$("$USERNETES_ENGINE" ps --filter "label=com.docker.compose.project=$USERNETES_PROJECT" --format '{{.Names}}')
if ! printf '%s\n' "$runs" | grep -qxE "${USERNETES_PROJECT}[-_]node[-_]1"; then
  is=$("$USERNETES_ENGINE" ps -a --filter "label=com.docker.compose.project=$USERNETES_PROJECT" --format '{{.Names}}: {{.Status}}' | head -n 1)
  echo "the node's container does not run: ${is:-$USERNETES_ENGINE has none of $USERNETES_PROJECT}" >&2
  exit 1
fi
: >"$node/up.done"
