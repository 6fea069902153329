# Comes before the step `up` of a cluster by hand: a person may have removed the node with make.
#
# If the container does not exist, the records of steps in it are removed. `make down` keeps the
# volumes, so kubeadm is reset first, as after an interruption.
if names=$(list_node -a --format '{{.Names}}') && [ -z "$names" ]; then
  (cd "$node" && rm -f kubeadm-init.done kubeadm-join.done flannel.done)
fi
# An earlier cluster may have left files for its workers behind.
if [ "$USERNETES_LEAD" = "$here" ] && [ ! -e "$node/kubeadm-init.done" ]; then
  rm -f "$USERNETES_WORKDIR/join-command" "$USERNETES_WORKDIR"/worker-ready-cache/*.ready.txt
fi
