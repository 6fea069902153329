# parts: paths container adjust targets
# Installs the pod network, with the template's target usernetes.make.network.
#
# Safe to repeat: an incomplete installation is undone first. Processes of an interrupted
# target are ended in the container. flannel's own script fails if its namespace or an
# incomplete release exists: both are removed.
undo_network() { # TARGET
  # The pattern does not match the command that contains it.
  in_node pkill -KILL -f "/usernetes/[^ ]*[${1%"${1#?}"}]${1#?}"
  [ "$1" = install-flannel ] || return 0
  in_node sh -c 'pkill -KILL -x helm
    helm uninstall --namespace kube-flannel flannel; kubectl delete namespace --ignore-not-found kube-flannel'
}
network=${USERNETES_MAKE_NETWORK-install-flannel}
[ -n "$network" ] || exit 0
if [ -e "$node/install-flannel.started" ]; then undo_network "$network"; fi
: >"$node/install-flannel.started"
make_in_node "$network"
rm -f "$node/install-flannel.started"
