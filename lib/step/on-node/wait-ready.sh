# Waits until as many nodes as the cluster has are Ready.
#
# Only looks, but for the workers that the cluster goes on without: what they may
# have registered is removed, so that nothing is put there. Its caller's deadline
# ends it.
set -eu
recall_container
# shellcheck disable=SC2086 # one word a node
if [ -n "${USERNETES_WITHOUT:-}" ]; then in_container kubectl delete node --ignore-not-found $USERNETES_WITHOUT || true; fi
while :; do
  # It tells a line of each node that is Ready, and watches, where asking again would take turns.
  said=$(in_container kubectl wait --for=condition=Ready nodes --all --timeout=60s) || true
  ready=0
  while read -r line; do
    case $line in *' condition met') ready=$((ready + 1)) ;; esac
  done <<EOF
$said
EOF
  echo "$ready of $USERNETES_SIZE nodes are Ready"
  [ "$ready" -lt "$USERNETES_SIZE" ] || exit 0
  # What has died does not become Ready.
  find_container
  sleep 0.2
done
