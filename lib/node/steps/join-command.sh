# parts: paths container adjust
# Makes the join command in the lead's work directory, where the agent reads it.
#
# The controller manager signs the token in the ConfigMap cluster-info when it has started. A
# kubeadm that joins checks for the signature only every 5 s. Therefore this step waits for the
# signature, with shorter pauses. If it does not come, or cannot be read, the workers wait.
#
# Safe to repeat: it makes another token, and delete-token deletes all of them.
set -eu
wait_for_signature() { # TOKEN-ID
  recall_container 2>/dev/null || return 0
  script_in_container "$1" <<'END' >/dev/null 2>&1 || true
end=$(($(date +%s) + 10))
while keys=$(kubectl --namespace kube-public get configmap cluster-info -o yaml </dev/null) && [ "$(date +%s)" -lt "$end" ]; do
  case $keys in *"jws-kubeconfig-$1:"*) exit ;; *"kubeconfig:"*) sleep 0.1 </dev/null ;; *) exit ;; esac
done
END
}
cd "$USERNETES_WORKDIR"
set -a
. "$node/node.env"
set +a
make join-command || explain_failure
# If compose allocates a terminal, kubeadm's warnings are in the file too.
[ ! -f join-command ] || sed -i '/^[IWE][0-9]\{4\} [0-9][0-9]:[0-9.:]* /d' join-command
if adjusts signed-token && [ -f join-command ]; then
  id=$(sed -n 's/^kubeadm join .*--token \([a-z0-9]\{6\}\)\..*/\1/p' join-command | tail -n 1)
  [ -z "$id" ] || wait_for_signature "$id"
fi
