# Goes before the step `up` of a cluster by hand: a person may have removed the node with make.
#
# Without a container, nothing of what was done in it counts any more. `make down` keeps the
# volumes, so that kubeadm is reset first, as after one that was cut off.
if names=$(list_node -a --format '{{.Names}}') && [ -z "$names" ]; then
  (cd "$node" && rm -f kubeadm-init.done kubeadm-join.done flannel.done)
fi
# An earlier cluster may have left files for its workers.
if [ "$USERNETES_LEAD" = "$here" ] && [ ! -e "$node/kubeadm-init.done" ]; then
  rm -f "$USERNETES_WORKDIR/join-command" "$USERNETES_WORKDIR"/worker-ready-cache/*.ready.txt
fi
