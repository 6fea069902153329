# Takes steps on this node and tells how they go: what a daemon does over flux
# exec, with the same scripts (../on-node), reports and logs.
#
# Sourced by bin/usernetes, with $on_node and $by_hand set: where the scripts are.

# The text of the script NAME; `up` looks first for what a person did.
script_of() { # NAME
  [ "$1" != up ] || cat "$on_node/place.sh" "$on_node/container.sh" "$by_hand/before-up.sh"
  while read -r name files; do
    [ "$name" = "$1" ] || continue
    for file in $files; do cat "$on_node/$file"; done
  done <"$on_node/scripts.list"
}

# Seconds that a step may take: as in lib/cluster/steps.ts, and as the configuration's
# defaults.
limit_of() {
  case $1 in
    stage | sync-external-ip) echo 120 ;;
    kubeadm-init) echo 600 ;;
    kubeconfig | join-command) echo 60 ;;
    kubeadm-join) echo 180 ;;
    install-flannel | down-v) echo 300 ;;
    # usernetes.bring-up-timeout
    *) echo 900 ;;
  esac
}

say() { [ -n "$quiet" ] || printf 'usernetes: %s\n' "$*" >&2; }
detail() { [ -z "$debug" ] || say "$*"; }

tenths() { echo $(($(date +%s%N) / 100000000)); }

# Tells of what run.sh reports on stdin; $1: where to note that a step failed.
tell() {
  begun=$(tenths) words=''
  while IFS= read -r line; do
    case $line in
      "$nonce tail "*)
        words="$words  ${line#"$nonce tail $current "}
"
        ;;
      "$nonce progress "*) say "$current: waiting for ${line#"$nonce progress $current "}" ;;
      "$nonce end "*)
        status=${line#"$nonce end $current "} status=${status%% *} now=$(tenths)
        took="$(((now - begun) / 10)).$(((now - begun) % 10)) s"
        begun=$now
        if [ "$status" -ne 0 ]; then
          echo "$status" >"$1/failed"
          printf '%s' "$words" >&2
          case $status in 124 | 137) why="timed out after $(limit_of "$current") s" ;; *) why="exit $status" ;; esac
          log=$node/$current.log
          [ ! -f "$log" ] || why="$why; all it printed is in $log"
          printf 'usernetes: %s: %s: failed: %s\n' "$current" "$host" "$why" >&2
          continue
        fi
        words=''
        say "$current: $host: ok in $took"
        detail "$current: what it printed is in $node/$current.log"
        todo=${todo#* } current=${todo%% *}
        [ -n "$current" ] || : >"$1/done"
        ;;
      *) printf 'usernetes: %s\n' "$line" >&2 ;;
    esac
  done
}

# take STEP...: one after another; gives 1 if one fails, and leaves out the rest.
# A signal ends what it has started (stop, in verbs.sh).
take() {
  todo="$* " current=$1
  nonce=$(od -An -N9 -tx1 /dev/urandom | tr -d ' \n')
  private=$(mktemp -d) || fail 1 "no temporary directory can be made in ${TMPDIR:-/tmp}: $(why_full "${TMPDIR:-/tmp}" TMPDIR)"
  mkfifo "$private/reports"
  tell "$private" <"$private/reports" &
  teller=$!
  for step; do
    shift
    set -- "$@" "$step" "$(limit_of "$step")" "$(script_of "$step")"
  done
  exec_in_scope setpriv --pdeathsig TERM sh -c "$(script_of run)" usernetes "$nonce" "$@" 2>"$private/reports" >/dev/null &
  taker=$!
  wait "$taker" "$teller"
  taker=''
  [ -e "$private/done" ] && taken=0 || taken=1
  [ "$taken" -eq 0 ] || [ -e "$private/failed" ] || echo "usernetes: $host: the step runner was killed" >&2
  rm -rf "$private"
  private=''
  return "$taken"
}
