# Takes the join-command out of the archive, into the workdir.
#
# flux-archive(1) reads what only the owner may, so it is extracted where only
# the owner reads and goes on through stdin. Safe to repeat: it is replaced, and
# what a killed one leaves goes with the workdir. Where the work directory is the
# lead's, too, it is there already.
set -eu
if is_shared && [ -f "$USERNETES_WORKDIR/join-command" ]; then exit 0; fi
private=$(mktemp -d "$node/join.XXXXXX")
trap 'rm -rf "$private"' EXIT
flux archive extract --name "$USERNETES_ARCHIVE" -C "$private"
# What is there of that name is the user's own; it is replaced, never followed.
rm -f "$USERNETES_WORKDIR/join-command"
cat <"$private/join-command" >"$USERNETES_WORKDIR/join-command"
