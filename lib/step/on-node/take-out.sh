# Takes the join-command out of its archive, as the instance owner: it is stdin then.
#
# It is only where the owner alone can look: a private directory of mktemp(1),
# gone again before anything is run. What a killed one leaves is removed with the
# rest, at the teardown (start.sh).
private=${TMPDIR:-/tmp}/usernetes-join-${USERNETES_MARKER% *}-${USERNETES_MARKER#* }

# The caller's `fail` ends it with these words.
take_out() {
  private=$(mktemp -d "$private.XXXXXX") ||
    fail "no temporary directory can be made on this node: $(why_full "${TMPDIR:-/tmp}" TMPDIR)"
  child=''
  trap 'rm -rf "$private"' EXIT
  trap '[ -z "$child" ] || kill "$child"; exit 143' TERM INT HUP
  setpriv --pdeathsig TERM timeout -k 5 50 flux archive extract --name "$USERNETES_ARCHIVE" -C "$private" >"$private/said" 2>&1 &
  child=$!
  wait "$child" || {
    full=$(why_full "${TMPDIR:-/tmp}" TMPDIR)
    fail "${full:-$(cat "$private/said")}"
  }
  exec <"$private/join-command"
  rm -rf "$private"
  trap - EXIT TERM INT HUP
}
