# parts: paths container adjust
# Has the lead make a join-command, in the work directory, where the agent reads it.
#
# A kubeadm that joins looks every 5 s for the token's signature, which the controller manager
# puts into the ConfigMap cluster-info once it has started: it is waited for here, where looking
# again takes no 5 s. A worker waits itself where it does not come, or cannot be looked for.
#
# Safe to repeat: it makes another token; delete-token deletes them all.
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
# Where compose gives kubeadm a terminal, its warnings are in the file with it.
[ ! -f join-command ] || sed -i '/^[IWE][0-9]\{4\} [0-9][0-9]:[0-9.:]* /d' join-command
if adjusts signed-token && [ -f join-command ]; then
  id=$(sed -n 's/^kubeadm join .*--token \([a-z0-9]\{6\}\)\..*/\1/p' join-command | tail -n 1)
  [ -z "$id" ] || wait_for_signature "$id"
fi
