# Takes steps on this node, one after another, and reports each as it goes.
#
#   sh -c "$(cat run.sh)" usernetes NONCE [STEP SECONDS SCRIPT]...
#
# Reports are lines on stderr (which streams through flux-exec(1), where stdout
# is buffered) tagged with a nonce of the call, so that no step can forge one:
#
#   NONCE tail STEP TEXT          the last lines of a step that failed
#   NONCE end STEP STATUS         124, 137: it ran out of its SECONDS
#
# It ends with 0 whatever the steps do; a rank without its last `end` is lost.
# The steps' output goes to a log of the cluster's on this node. A step that
# hangs is stopped here, so no orphan stays when the caller is gone: the kernel
# sends TERM to timeout(1) when this shell dies, and timeout passes it on.
umask 077
nonce=$1
shift
exec </dev/null

# The caller's environment is explicit: what belongs to this host is found here.
if [ -z "${HOME:-}" ]; then HOME=$(getent passwd "$(id -u)" | cut -d: -f6); fi
HOME=${HOME:-/}
XDG_RUNTIME_DIR=/run/user/$(id -u)
if [ -S "$XDG_RUNTIME_DIR/docker.sock" ]; then
  DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock
  export DOCKER_HOST
fi
[ -d "$XDG_RUNTIME_DIR" ] || unset XDG_RUNTIME_DIR
LANG=C.UTF-8
export HOME XDG_RUNTIME_DIR LANG

report() { printf '%s %s\n' "$nonce" "$*" >&2; }

# A bootstrap token and a CA hash, wherever a command echoes them.
without_secrets() {
  LC_ALL=C sed -e 's/[a-z0-9]\{6\}\.[a-z0-9]\{16\}/[token]/g' -e 's/sha256:[0-9a-f]\{64\}/sha256:[hash]/g'
}

# The output so far, where the cluster's own directory is not there yet or goes.
open_raw() {
  log=$USERNETES_WORKDIR/.usernetes
  raw=$log/$step.raw
  if [ "$step" = down-v ] || [ ! -d "$log" ] || [ -L "$log" ]; then raw=$(mktemp); fi
}

raw='' child=''
# shellcheck disable=SC2317 # it is called by the trap
stop() {
  [ -z "$child" ] || { kill -TERM "$child" && wait "$child"; }
  [ -z "$raw" ] || rm -f "$raw"
  exit 143
}
trap stop TERM INT HUP

while [ $# -ge 3 ]; do
  step=$1 seconds=$2 script=$3
  shift 3
  open_raw || { report tail "$step" "no temporary file can be made here"; report end "$step" 1; exit 0; }
  if [ "$step" = join-command ]; then exec 3>&1; fi
  USERNETES_SECONDS=$seconds
  export USERNETES_SECONDS
  setpriv --pdeathsig TERM timeout -k 5 "$seconds" sh -c "$script" usernetes "$step" >"$raw" 2>&1 &
  child=$!
  wait "$child"
  status=$?
  child=''
  exec 3>&-
  if [ "$status" -ne 0 ]; then
    # Secrets first: half of one that is cut would not be known for what it is.
    tail -n 12 "$raw" | without_secrets | tail -c 8192 | cut -c 1-400 |
      LC_ALL=C tr -cd '\11\12\40-\176\200-\377' |
      while IFS= read -r line; do report tail "$step" "$line"; done
  fi
  # The log is bounded; what the steps print is the user's own, but never the token.
  if [ -d "$log" ] && [ ! -L "$log" ]; then without_secrets <"$raw" | tail -c 1048576 >>"$log/$step.log"; fi
  rm -f "$raw"
  report end "$step" "$status"
  [ "$status" -eq 0 ] || exit 0
done
exit 0
