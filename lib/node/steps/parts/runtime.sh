# Waits until the node's container has what kubeadm needs; then `up` ends. The container starts
# before its containerd listens, and kubeadm would fail immediately.
#
# It changes nothing. It does not wait for an image that has neither crictl nor ctr, nor for a
# node in which no program can be executed: then kubeadm reports the fault.
runtime_seconds=120

# Prints "usernetes: ready", or "usernetes: " and what is missing.
ask_runtime() {
  script_in_container "$runtime_seconds" <<'END' 2>/dev/null
ask() { command -v "$1" >/dev/null && error=$(timeout 10 "$@" 2>&1 >/dev/null </dev/null); }
check() {
  error=''
  { ask crictl info || ask ctr version; } || { reason="the container runtime does not answer: $error"; return 1; }
  command -v systemctl >/dev/null || return 0
  state=$(systemctl show --property LoadState kubelet.service 2>&1 </dev/null) || true
  [ "$state" = LoadState=loaded ] || { reason="systemd has not loaded kubelet.service: $state"; return 1; }
}
command -v crictl >/dev/null || command -v ctr >/dev/null || { echo usernetes: ready; exit; }
end=$(($(date +%s) + $1))
until check; do
  [ "$(date +%s)" -lt "$end" ] || { printf 'usernetes: %s\n' "$reason"; exit; }
  sleep 0.2 </dev/null
done
echo usernetes: ready
END
}

wait_for_runtime() {
  answer=$(ask_runtime) || answer=''
  case $answer in
    'usernetes: ready') ;;
    'usernetes: '*)
      echo "the node's container is not ready for kubeadm after $runtime_seconds s: $(printf '%s\n' "${answer#usernetes: }" | tail -n 1)" >&2
      return 1
      ;;
    *) find_container "the node's container does not run" ;;
  esac
}
