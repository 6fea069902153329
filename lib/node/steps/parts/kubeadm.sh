# kubeadm's init and join cannot be repeated: a finished one is recorded and skipped, and an
# interrupted one is reset first.
take_once() { # STEP MAKE-ARGUMENT...
  [ ! -e "$node/$1.done" ] || exit 0
  if [ -e "$node/$1.started" ]; then
    in_node pkill -KILL -x kubeadm
    make kubeadm-reset || true
  fi
  : >"$node/$1.started"
  make_in_node "$@"
  : >"$node/$1.done"
}
