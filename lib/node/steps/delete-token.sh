# parts: paths container
# Deletes the bootstrap tokens by their public IDs, when all workers have joined.
#
# Safe to repeat: it deletes the tokens that still exist.
set -eu
recall_container
join=$USERNETES_WORKDIR/join-command
tokens=$(in_container kubeadm token list -o 'jsonpath={.token}{"\n"}')
ids=$(printf '%s\n' "$tokens" | cut -s -d. -f1)
if [ -e "$join" ]; then ids="$ids $(sed -n 's/.*--token \([a-z0-9]\{6\}\)\..*/\1/p' "$join")"; fi
# shellcheck disable=SC2086 # one word an id
ids=$(printf '%s\n' $ids | sort -u)
# shellcheck disable=SC2086
[ -z "$ids" ] || in_container kubeadm token delete $ids
rm -f "$join"
