# parts: paths container adjust targets
# Installs the pod network, with the template's target usernetes.make.network.
#
# Safe to repeat: half of an installation is undone first.
# What a network target that was cut off still does in the container is ended. flannel's own
# script fails where its namespace is there, or half a release: that is taken away.
undo_network() { # TARGET
  # The pattern is no text of the command that carries it.
  in_node pkill -KILL -f "/usernetes/[^ ]*[${1%"${1#?}"}]${1#?}"
  [ "$1" = install-flannel ] || return 0
  in_node sh -c 'pkill -KILL -x helm
    helm uninstall --namespace kube-flannel flannel; kubectl delete namespace --ignore-not-found kube-flannel'
}
network=${USERNETES_MAKE_NETWORK-install-flannel}
[ -n "$network" ] || exit 0
if [ -e "$node/install-flannel.begun" ]; then undo_network "$network"; fi
: >"$node/install-flannel.begun"
make_in_node "$network"
rm -f "$node/install-flannel.begun"
