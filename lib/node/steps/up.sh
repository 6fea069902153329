# parts: paths leftovers container adjust targets runtime
# Starts the node's container, with the template's target usernetes.make.up.
#
# Safe to repeat: the target itself is. If the ports or the subnet have changed, or if an earlier
# try did not come up, existing resources would conflict: the node is removed and starts again.
now=''
for name in NODE_SUBNET PORT_ETCD PORT_FLANNEL PORT_KUBELET PORT_KUBE_APISERVER ${USERNETES_PORT_VARIABLES:-}; do
  eval "value=\${$name:-}"
  [ -z "$value" ] || now="$now${now:+
}$name=$value"
done
if [ ! -e "$node/up.with" ]; then
  # Until that file exists the engine has made nothing, and the teardown does not depend on it.
  list_node -q >/dev/null || exit
  printf '%s\n' "$now" >"$node/up.with"
elif [ ! -e "$node/up.done" ] || [ "$(cat "$node/up.with")" != "$now" ]; then
  # shellcheck disable=SC2046 # one word a variable
  env $(cat "$node/up.with") make down-v >"$node/down-v.log" 2>&1 || true
  # Compose may leave the network behind, with its subnet.
  remove_left image
  rm -f "$node"/kubeadm-* "$node/up.done" "$node/images.done"
  is_shared || rm -f kubeconfig join-command
  printf '%s\n' "$now" >"$node/up.with"
fi
make "${USERNETES_MAKE_UP:-up}" QUICK=1
# podman-compose only warns, and exits 0, if the engine has made no container, has not started
# it, or has started a container of another cluster with that name.
find_container "the node's container does not run"
wait_for_runtime
printf '%s\n' "$container" >"$node/up.done"
