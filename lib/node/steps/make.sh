# Makes one of the template's own targets; usernetes.make names those of `up` and install-flannel.
#
# Safe to repeat: the targets are by the template's own nature; kubeadm's
# init and join are not, so a finished one is remembered here and a half-done
# one is reset first. So is half of an install-flannel.
set -eu
step=$2
cd "$USERNETES_WORKDIR"
set -a
. "$node/node.env"
set +a
# Of what was cut off only its client ended; the program still runs in the container.
in_node() { { recall_container && "$USERNETES_ENGINE" exec "$container" "$@"; } >/dev/null 2>&1 || true; }
make_in_node() { make "$@" || explain_failure; }
# kubeadm-init ends with a sync-external-ip of its own, as $(MAKE); that comes when all have
# joined, too, before anything asks for the addresses. The first one is passed over.
# shellcheck disable=SC2016 # it is for make, and for the shell that make starts
pass_over_sync='MAKE=sh -c '\''[ "$$1" = sync-external-ip ] || exec make "$$@"'\'' make'
# Where the PATH here has no kubectl, that of the node goes into the cluster's own directory;
# the shell plugin puts it at the end of the tasks' PATH. A cluster is ready without it.
fetch_kubectl() {
  if command -v kubectl >/dev/null || [ -x bin/kubectl ] || ! is_copy; then return; fi
  grep -qs '^kubectl *:' Makefile || { echo "there is no kubectl on the PATH, and no target kubectl in the template"; return 0; }
  { timeout -k 5 40 make kubectl && mkdir -p bin && mv -f kubectl bin/kubectl; } || {
    rm -f kubectl
    echo "there is no kubectl on the PATH, and make kubectl has failed"
  }
}
# What a network target that was cut off still does in the container is ended. flannel's own
# script fails where its namespace is there, or half a release: that is taken away.
undo_network() { # TARGET
  # The pattern is no text of the command that carries it.
  in_node pkill -KILL -f "/usernetes/[^ ]*[${1%"${1#?}"}]${1#?}"
  [ "$1" = install-flannel ] || return 0
  in_node sh -c 'pkill -KILL -x helm
    helm uninstall --namespace kube-flannel flannel; kubectl delete namespace --ignore-not-found kube-flannel'
}
case $step in
  kubeadm-init | kubeadm-join)
    [ ! -e "$node/$step.done" ] || exit 0
    if [ -e "$node/$step.begun" ]; then
      in_node pkill -KILL -x kubeadm
      make kubeadm-reset || true
    fi
    # Until 2024-12-10 the template runs the file itself, in the container.
    [ "$step" = kubeadm-init ] || [ ! -f join-command ] || chmod u+x join-command || true
    : >"$node/$step.begun"
    [ "$step" != kubeadm-init ] || adjust_kubeadm_config
    if [ "$step" = kubeadm-init ] && adjusts one-sync; then make_in_node "$step" "$pass_over_sync"; else make_in_node "$step"; fi
    : >"$node/$step.done"
    # A worker's copy of the token has served; the lead's own is for other workers, too.
    if [ "$step" = kubeadm-join ] && ! is_shared; then rm -f join-command; fi
    ;;
  up)
    # With other ports or another subnet than the last time it starts again, and so
    # after a try that never came up: what that has half made would conflict.
    now=''
    for name in NODE_SUBNET PORT_ETCD PORT_FLANNEL PORT_KUBELET PORT_KUBE_APISERVER ${USERNETES_PORT_VARIABLES:-}; do
      eval "value=\${$name:-}"
      [ -z "$value" ] || now="$now${now:+
}$name=$value"
    done
    if [ ! -e "$node/up.with" ]; then
      printf '%s\n' "$now" >"$node/up.with"
    elif [ ! -e "$node/up.done" ] || [ "$(cat "$node/up.with")" != "$now" ]; then
      # shellcheck disable=SC2046 # one word a variable
      env $(cat "$node/up.with") make down-v >"$node/down-v.log" 2>&1 || true
      # Compose may leave the network, with its subnet.
      remove_left image
      rm -f "$node"/kubeadm-* "$node/up.done" "$node/images.done"
      is_shared || rm -f kubeconfig join-command
      printf '%s\n' "$now" >"$node/up.with"
    fi
    make "${USERNETES_MAKE_UP:-up}" QUICK=1
    ;;
  kubeconfig)
    make_in_node kubeconfig
    chmod 600 kubeconfig
    fetch_kubectl
    ;;
  install-flannel)
    network=${USERNETES_MAKE_NETWORK-install-flannel}
    [ -n "$network" ] || exit 0
    if [ -e "$node/$step.begun" ]; then undo_network "$network"; fi
    : >"$node/$step.begun"
    make_in_node "$network"
    rm -f "$node/$step.begun"
    ;;
  *) make_in_node "$step" ;;
esac
