# parts: paths leftovers container adjust targets runtime
# Starts the node's container, with the template's target usernetes.make.up.
#
# Safe to repeat: the target is so by its nature. With other ports or another subnet than the last
# time the node starts again, and so after a try that never came up: what it has half made would
# conflict.
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
# podman-compose warns, and gives 0, where the engine has made no container, or has
# not started it, or where it has started another's of that name.
find_container "the node's container does not run"
wait_for_runtime
printf '%s\n' "$container" >"$node/up.done"
