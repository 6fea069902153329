# parts: paths container
# Deletes the bootstrap tokens by their public IDs, when all workers have joined.
#
# Safe to repeat: it deletes the tokens that still exist.
set -eu
recall_container
join=$USERNETES_WORKDIR/join-command
tokens=$(in_container kubeadm token list -o 'jsonpath={.token}{"\n"}')
if [ -e "$join" ]; then tokens="$tokens $(sed -n 's/.*--token \([a-z0-9]\{6\}\.\).*/\1/p' "$join")"; fi
# shellcheck disable=SC2086 # one word a token
ids=$(printf '%s\n' $tokens | sed -n 's/\..*//p' | sort -u)
# shellcheck disable=SC2086 # one word an id
[ -z "$ids" ] || in_container kubeadm token delete $ids
rm -f "$join"
