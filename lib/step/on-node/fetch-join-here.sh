# On a line the join-command is stdin, in base64, where it was given: it is $join then.
# Else this takes it out of its archive by itself, as nobody before it does: it is stdin.
fail() { echo "$*" >&2; exit 1; }
if [ -n "${USERNETES_GIVEN:-}" ]; then
  join=$(base64 -d) || fail "the received join command is not valid base64"
else
  take_out
fi
