# Goes before make.sh's `up`, where a person may have taken the node down with make.
#
# With no container what was done in it is not done any more. A `make down` leaves
# its volumes, so that kubeadm is reset first, as after one that was cut off.
if names=$(list_node -a --format '{{.Names}}') && [ -z "$names" ]; then
  (cd "$node" && rm -f kubeadm-init.done kubeadm-join.done flannel.done)
fi
# What a cluster before this one has left for its workers.
if [ "$USERNETES_LEAD" = "$here" ] && [ ! -e "$node/kubeadm-init.done" ]; then
  rm -f "$USERNETES_WORKDIR/join-command" "$USERNETES_WORKDIR"/worker-ready-cache/*.ready.txt
fi
