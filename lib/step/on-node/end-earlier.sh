# Ends what an earlier call of the same cluster still runs on this node.
#
# A daemon, or its flux exec, that dies takes its steps with it, but these may
# need some seconds to end, and the next daemon may be here before. Two that do
# the same on one node would spoil each other's work, so the earlier one goes:
# with TERM, and with KILL if that does not help. down-v ends all there is; any
# other call only what does one of its own steps, as others run beside it.
#
# /proc is asked, and no file: before stage there is no place for one, and a pid
# in one may be another's by now. Only start.sh, run.sh and what keeps a step are meant,
# which have the call's nonce among their arguments: what an engine started lives
# on. Another user's cannot be seen, nor ended: sudo(8) itself, and the timeout(1)
# that it runs, have not the marker in their environment, and end with run.sh.

# The pids of earlier calls, one a line: of their run.sh and of their steps.
# Mostly there is none, which two looks at all processes tell.
# shellcheck disable=SC2013 # one path a line, without blanks
earlier() {
  files=''
  for file in $(grep -lszxF "USERNETES_MARKER=$USERNETES_MARKER" /proc/[0-9]*/environ); do
    files="$files ${file%environ}cmdline"
  done
  # This call's own have its nonce.
  # shellcheck disable=SC2086 # it is one word a file
  [ -z "$files" ] || files=$(grep -LszxF -e "$nonce" $files)
  # Brokers that share a host each have their own.
  if [ -n "$files" ] && [ -n "${FLUX_URI:-}" ]; then
    environs=''
    for file in $files; do environs="$environs ${file%cmdline}environ"; done
    files=''
    # shellcheck disable=SC2086
    for file in $(grep -lszxF "FLUX_URI=$FLUX_URI" $environs); do files="$files ${file%environ}cmdline"; done
  fi
  [ -n "$files" ] || return 0
  # A line `FILE:ARGUMENT` each, of all of them.
  # shellcheck disable=SC2086
  grep -aszH '' $files | tr '\n\0' ' \n' | awk -v own="$nonce" -v wanted="$steps" '
    function tell_last() {
      call = ""
      split("", does)
      # A program may still be on its way to be the shell that keeps a step.
      for (i = 4; i < 9; i++) if (argument[i] == "usernetes-step") { call = argument[i + 1]; does[argument[i + 2]] }
      if (call != "") {}
      else if (argument[4] == "usernetes-start") { call = argument[5]; does[argument[6]] }
      else if (argument[4] == "usernetes") { call = argument[5]; for (i = 6; i + 2 <= count; i += 3) does[argument[i]] }
      if (call == "" || call == own) return
      for (step in does) if (wanted ~ / down-v / || index(wanted, " " step " ")) { print pid; return }
    }
    match($0, /^\/proc\/[0-9]+\/cmdline:/) {
      of = substr($0, 7, RLENGTH - 15)
      if (of != pid) {
        if (pid != "") tell_last()
        split("", argument)
        count = 0
        pid = of
      }
      argument[++count] = substr($0, RLENGTH + 1)
    }
    END { if (pid != "") tell_last() }'
} 2>/dev/null

# Gives a status if something is left after fifteen seconds.
end_earlier() {
  tries=0
  while found=$(earlier) && [ -n "$found" ]; do
    case $tries in
      0) for pid in $found; do kill -TERM "$pid"; done ;;
      # Longer than a step has between TERM and KILL.
      120) for pid in $found; do kill -KILL -- "-$pid" || kill -KILL "$pid"; done ;;
      150) return 1 ;;
    esac
    tries=$((tries + 1))
    sleep 0.1
  done 2>/dev/null
}

