# Starts run.sh on this node as the cluster's user, and does before it what only
# the instance owner may: asking Flux, and taking the join-command out of its
# archive.
#
#   sh -c "$(cat start.sh)" usernetes-start NONCE STEP UID SECONDS COMMAND...
#
# STEP is the first of the call. UID is empty where the cluster is the owner's
# own, and COMMAND goes on in this process. Else COMMAND is `K=V... sh -c ...`,
# all of its environment: no variable passes sudo(8) by itself. The command line
# for sudo is what etc/sudoers.d/usernetes allows; what it runs ends with this
# process, however that ends, in its SECONDS at the latest.
#
# The owner's part writes only where the owner alone can: a private directory of
# mktemp(1), gone again before anything runs as the user. The join-command goes to
# fetch-join.sh through stdin. What a killed one leaves is removed with the rest.
umask 077
nonce=$1 step=$2 uid=$3 seconds=$4
shift 4
# What a line is asked for comes on stdin.
[ -n "${USERNETES_LINE:-}" ] || exec </dev/null

# As run.sh reports: the step has failed with these words.
fail() {
  printf '%s tail %s %s\n' "$nonce" "$step" "$(printf '%s\n' "$*" | tail -n 1 | cut -c 1-400)" >&2
  printf '%s end %s 1\n' "$nonce" "$step" >&2
  [ -z "${USERNETES_LINE:-}" ] || printf '%s gone\n' "$nonce" >&2
  exit 0
}

if [ -n "$uid" ]; then
  command -v sudo >/dev/null || fail "sudo is not installed on this node, or not on the PATH $PATH (usernetes.run-as is \"sudo\")"
  getent passwd "$uid" >/dev/null || fail "uid $uid has no account on this node"
fi

find_rank || fail "flux getattr rank has failed on this node"
[ -z "$uid" ] || set -- "USERNETES_RANK=$USERNETES_RANK" "$@"
case $step in
  fetch-join)
    take_out
    ;;
  down-v)
    for left in "$private".*; do
      if [ ! -L "$left" ] && [ -d "$left" ] && [ -O "$left" ]; then rm -rf "$left"; fi
    done
    ;;
esac

[ -n "$uid" ] || exec_in_scope "$@"
exec sudo -n -u "#$uid" setpriv --pdeathsig TERM timeout -k 5 "$seconds" env -i "FLUX_URI=${FLUX_URI:-}" "$@"
