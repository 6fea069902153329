# What a node has of what clusters need, one tagged line each on stderr (which
# streams through flux-exec(1)):
#
#   NONCE ID ok|no WORDS
#
#   sh -c "$(cat begin.sh ...)" usernetes NONCE
#
# It looks, and changes nothing but for a file in the workdir that it removes again.
# What hangs is stopped after 15 s, where there is a timeout(1). The last line is
# `NONCE end ok`.
nonce=$1
exec </dev/null 3>&2 >/dev/null 2>&1

# Where /proc, /sys and /etc are: tests have some of their own.
top=${USERNETES_TOP:-}
uid=$(id -u)

# As in the steps (run.sh): what belongs to this host is found here.
if [ -z "${HOME:-}" ]; then HOME=$(getent passwd "$uid" | cut -d: -f6); fi
HOME=${HOME:-/}
XDG_RUNTIME_DIR=/run/user/$uid
if [ -S "$XDG_RUNTIME_DIR/docker.sock" ]; then
  DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock
  export DOCKER_HOST
fi
[ -d "$XDG_RUNTIME_DIR" ] || unset XDG_RUNTIME_DIR
LANG=C.UTF-8
export HOME XDG_RUNTIME_DIR LANG

tell() { # ID VERDICT WORD...
  id=$1 verdict=$2
  shift 2
  words=$(printf '%s' "$*" | tr -s '\n\t ' '   ' | cut -c 1-1500)
  printf '%s %s %s %s\n' "$nonce" "$id" "$verdict" "$words" >&3
}

has() { command -v "$1" >/dev/null; }

limited() {
  if has timeout; then timeout -k 2 15 "$@"; else "$@"; fi
}

last_line() { sed '/^[[:space:]]*$/d' | tail -n 1; }

tell clock ok "$(date +%s%3N)"
tell host ok "$(hostname)"
