# Waits until as many nodes as the cluster has are Ready.
#
# Only looks; its caller's deadline ends it.
set -eu
kubectl() { "$USERNETES_ENGINE" exec "$container" kubectl "$@"; }
while :; do
  kubectl wait --for=condition=Ready nodes --all --timeout=60s || true
  ready=$(kubectl get nodes --no-headers | awk '$2 ~ /^Ready/ {n++} END {print n + 0}')
  echo "$ready of $USERNETES_SIZE nodes are Ready"
  [ "$ready" -lt "$USERNETES_SIZE" ] || exit 0
  sleep 0.2
done
