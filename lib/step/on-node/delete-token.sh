# Deletes the bootstrap tokens, by their public ids, when all have joined.
#
# Safe to repeat: none is left then.
set -eu
join=$USERNETES_WORKDIR/join-command
tokens=$("$USERNETES_ENGINE" exec "$container" kubeadm token list -o 'jsonpath={.token}{"\n"}')
ids=$(printf '%s\n' "$tokens" | cut -s -d. -f1)
if [ -e "$join" ]; then ids="$ids $(sed -n 's/.*--token \([a-z0-9]\{6\}\)\..*/\1/p' "$join")"; fi
for id in $(printf '%s\n' $ids | sort -u); do
  "$USERNETES_ENGINE" exec "$container" kubeadm token delete "$id"
done
rm -f "$join"
