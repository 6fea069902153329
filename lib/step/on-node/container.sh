# The name of this cluster's container on this node; podman-compose names it
# with underscores. Sets $container.
container=
for name in $("$USERNETES_ENGINE" ps --filter "label=com.docker.compose.project=$USERNETES_PROJECT" --format '{{.Names}}'); do
  case $name in "$USERNETES_PROJECT-node-1" | "${USERNETES_PROJECT}_node_1") container=$name ;; esac
done
if [ -z "$container" ]; then
  echo "no container of $USERNETES_PROJECT runs on this node" >&2
  exit 1
fi
# A container has its own; a stand-in for an engine tells clusters apart by it.
KUBECONFIG=$USERNETES_WORKDIR/kubeconfig
export KUBECONFIG
