# Takes steps on this node, one after another, and reports each as it goes.
#
#   sh -c "$(cat run.sh)" usernetes NONCE [STEP SECONDS SCRIPT]...
#
# On a line (USERNETES_LINE) it waits for words on stdin, `RANKS STEP...`, takes
# these steps if it is of one of the RANKS, and waits for more until there are none.
# `give BASE64` is the join-command, for its fetch-join: it stays in this shell.
#
# Reports are lines on stderr (which streams through flux-exec(1), where stdout
# is buffered) tagged with a nonce of the call, so that no step can forge one:
#
#   NONCE tail STEP TEXT          the last lines of a step, more if it failed; those of
#                                 one that went well in one, with 036 after each: many
#                                 lines before a command's end are errors in flux-dmesg(1)
#   NONCE progress STEP TEXT      what a wait-... step waits for, while it runs
#   NONCE end STEP STATUS         124, 137: it ran out of its SECONDS
#   NONCE end up 0 shared         the work directory is the lead's, too
#   NONCE here                    on a line: it is there, and will take words
#   NONCE result STEP BASE64      on a line: what the step gives; else that is its stdout
#
# It ends with 0 whatever the steps do; a rank without its last `end` is lost.
# The steps' output goes to a log of the cluster's on this node. A step that
# hangs is stopped here, so no orphan stays when the caller is gone: the kernel
# sends TERM to what keeps the step (keep-step.sh) when this shell dies. What an
# earlier call left that way is ended first (end-earlier.sh).
umask 077
nonce=$1 stays=${USERNETES_LINE:-}
shift
# The join-command, for fetch-join, or the words of a line; nothing else reads.
exec 6<&0 </dev/null

# The caller's environment is explicit: what belongs to this host is found here.
while read -r field me _; do [ "$field" != Uid: ] || break; done </proc/self/status
if [ -z "${HOME:-}" ]; then
  account=$(getent passwd "$me")
  account=${account%:*} HOME=${account##*:}
fi
HOME=${HOME:-/}
XDG_RUNTIME_DIR=/run/user/$me
if [ -z "${DOCKER_HOST:-}" ] && [ -S "$XDG_RUNTIME_DIR/docker.sock" ]; then
  DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock
  export DOCKER_HOST
fi
[ -d "$XDG_RUNTIME_DIR" ] || unset XDG_RUNTIME_DIR
USERNETES_HERE=$here
export HOME XDG_RUNTIME_DIR USERNETES_HERE

report() { printf '%s %s\n' "$nonce" "$*" >&2; }

# A bootstrap token, a CA hash and what a kubeconfig holds, wherever a command
# echoes them.
without_secrets() {
  LC_ALL=C sed -e 's/[a-z0-9]\{6\}\.[a-z0-9]\{16\}/[token]/g' -e 's/sha256:[0-9a-f]\{64\}/sha256:[hash]/g' \
    -e 's/\(-data"\{0,1\}: *"\{0,1\}\)[A-Za-z0-9+/=]\{16,\}/\1[data]/g'
}

# The last BYTES of the step's output, without secrets. Half of one that is cut
# off at the beginning would not be known for what it is: that line goes, or the
# beginning of the only one.
recent() {
  if [ "$(wc -c </dev/fd/4)" -gt "$1" ]; then
    tail -c "$1" </dev/fd/4 | LC_ALL=C sed -e '1{$!d' -e 's/^[A-Za-z0-9+/=.:]\{0,200\}//' -e '}'
  else
    cat </dev/fd/4
  fi | without_secrets
}

# Without a terminal's colours, the usage that docker prints after an error, and
# podman-compose's own commands and Python's tracebacks: they would push the error out
# of the last lines.
without_chatter() {
  LC_ALL=C awk '
    { gsub(/\033\[[0-9;?]*[A-Za-z]/, "") }
    /^Usage: +(docker|podman|nerdctl)/ { usage = 1 }
    usage { if (/ --help. for more information/) usage = 0; next }
    /^Traceback \(most recent call last\):/ { trace = traced = 1 }
    (trace && /^([ \t]|Traceback)/) || (traced && /^$/) { next }
    { trace = 0 }
    /^\[.podman., / || /^podman volume inspect / || /^exit code: 0$/ || /^During handling of the above exception/ { next }
    /^Error: inspecting object: no such volume / { next }
    { print }'
}

# Adds the step's output to its log, which is bounded: what the steps print is the
# user's own, but never the token. Reports a few words of a step that went well, too,
# for who looks when its log is gone. Every step waits for this: a few lines, as it
# mostly is, take one program, and one more where they may have a secret among them.
keep() {
  kept=$log/$step.log
  if [ ! -d "$log" ] || [ -L "$log" ] || [ -L "$kept" ] || { [ -e "$kept" ] && [ ! -f "$kept" ]; }; then
    kept=/dev/null
  fi
  if [ -s /dev/fd/4 ]; then
    if [ "$(wc -c </dev/fd/4)" -gt 2000 ]; then
      recent 2097152 | tail -c 1048576 >>"$kept"
      [ "$status" -ne 0 ] || text=$(recent 8192 | tail -n 4)
    else
      read_text </dev/fd/4
      ! may_have_secrets "$text" || text=$(printf '%s\n' "$text" | without_secrets)
      printf '%s\n' "$text" >>"$kept"
    fi
    [ "$status" -ne 0 ] || report_last "$text"
  fi
  [ "$status" -eq 0 ] || echo "-- exit $status --" >>"$kept"
}

# Whether without_secrets has to look at it.
may_have_secrets() {
  case $1 in
    *sha256:* | *-data* | *.[a-z0-9][a-z0-9][a-z0-9][a-z0-9][a-z0-9][a-z0-9][a-z0-9][a-z0-9]*) return 0 ;;
  esac
  return 1
}

# The last four lines, cut, in one report.
report_last() { # TEXT
  IFS='
'
  set -f
  # shellcheck disable=SC2086 # it is one word a line
  set -- $1
  set +f
  unset IFS
  [ $# -le 4 ] || shift $(($# - 4))
  [ $# -gt 0 ] || return 0
  format=''
  for line; do format=$format%.400s\\036; done
  # shellcheck disable=SC2059 # it has one place a line
  printf "%s tail %s $format\n" "$nonce" "$step" "$@" >&2
}

# A file of its own for the step's output, open before the step can put another
# in its place: 5 to write at its end, 4 to read. It is a temporary file where the
# cluster's own directory is not there yet, or goes; that has no name that a teardown
# would know, and loses it at once.
# shellcheck disable=SC2094 # it is read from where the step writes
open_raw() {
  log=$node raw=$node/$step.raw
  if [ "$step" != down-v ] && [ -d "$log" ] && [ ! -L "$log" ] && [ ! -L "$state" ] && make_file "$raw"; then
    raws="$raws$raw
"
    exec 4<"$raw" 5>>"$raw"
  else
    # A teardown does without: it is what makes room.
    raw=$(mktemp 2>/dev/null) || { exec 4</dev/null 5>/dev/null; [ "$step" = down-v ]; return; }
    exec 4<"$raw" 5>>"$raw"
    rm -f "$raw" &
  fi
}

# What of it is not in the log is in nobody's way, empty, until all steps are done: no step
# waits for its removal.
remove_raws() {
  IFS='
'
  set -f
  # shellcheck disable=SC2086 # it is one word a line
  [ -z "$raws" ] || rm -f -- $raws 2>/dev/null
  set +f
  unset IFS
}

# Makes an empty file that nobody else has put there.
make_file() {
  if [ -e "$1" ] || [ -L "$1" ]; then rm -f "$1" || return; fi
  set -C
  true >"$1"
  made=$?
  set +C
  return "$made"
} 2>/dev/null

# A step that prints on and on must not fill the disk: of more than 64 MiB only
# the end keeps its blocks, where the file system can do that. It looks at the
# files of this shell, whatever step they are of. Between steps these are none, but open:
# a pipe that the shell made just then would be 4, and lose what is in it to wc(1).
keep_short() {
  while kill -0 $$ && setpriv --pdeathsig KILL sleep 3; do
    size=$(wc -c </proc/$$/fd/4)
    [ "${size:-0}" -le 67108864 ] || fallocate --punch-hole --offset 0 --length $((size - 4194304)) /proc/$$/fd/5
  done
}

raws='' result='' child='' watcher=''
# shellcheck disable=SC2317 # it is called by the trap
stop() {
  [ -z "$child" ] || kill -TERM "$child"
  remove_raws
  [ -z "$child" ] || wait "$child"
  [ -z "$watcher" ] || kill -KILL "$watcher"
  [ -z "$result" ] || rm -f "$result"
  exit 143
}
trap stop TERM INT HUP

# What is to be done, each between spaces.
steps=' ' place=0
for word; do
  [ $((place % 3)) -ne 0 ] || steps="$steps$word "
  place=$((place + 1))
done
# Before it looks around, which takes long on a node that is busy.
[ -z "$stays" ] || report here
# Who has just claimed a cluster knows that no call of it was ever made.
if [ -z "${USERNETES_UNTOUCHED:-}" ] && ! end_earlier && [ "$1" != down-v ]; then
  report tail "$1" "processes of an earlier run on this node did not exit: pid $(earlier | tr '\n' ' ')"
  report end "$1" 1
  exit 0
fi

# Takes a step and reports it; gives 1 if it failed.
take() { # STEP SECONDS SCRIPT
  step=$1 USERNETES_SECONDS=$2 script=$3
  export USERNETES_SECONDS
  if ! open_raw; then
    full=$(why_step_full)
    report tail "$step" "${full:-no temporary file can be made in ${TMPDIR:-/tmp}}"
    report end "$step" 1
    return 1
  fi
  input=0
  case $step in
    join-command)
      if [ -z "$stays" ]; then exec 3>&1; else
        result=$raw.result
        make_file "$result" || { report tail "$step" "$result already exists and cannot be replaced"; report end "$step" 1; return 1; }
        exec 3>"$result"
      fi
      ;;
    fetch-join)
      if [ -z "$stays" ]; then input=6; elif [ -n "$join" ]; then
        input=7
        exec 7<<EOF
$join
EOF
      fi
      ;;
  esac
  # What these wait for is reported while they run.
  case $step in wait-*) exec 8>&2 ;; esac
  setpriv --pdeathsig TERM setsid sh -c "${keep_step:?}" usernetes-step "$nonce" "$step" "$2" "$script" \
    <&"$input" >&5 2>&1 4<&- 5>&- 6<&- 7<&- &
  child=$!
  [ "$input" -ne 7 ] || exec 7<&-
  # A shell may say that it was killed.
  wait "$child" 2>/dev/null
  status=$?
  child=''
  exec 3>&- 8>&-
  if [ "$status" -ne 0 ]; then
    # Secrets first: half of one that is cut would not be known for what it is.
    recent 65536 | without_chatter | tail -n 24 | cut -c 1-400 |
      LC_ALL=C tr -cd '\11\12\40-\176\200-\377' |
      while IFS= read -r line; do report tail "$step" "$line"; done
    # What a step prints of a full disk is nobody's to understand, and may not be there.
    full=$(why_step_full)
    [ -z "$full" ] || report tail "$step" "$full"
  fi
  keep
  # By the open file, whatever has its name now.
  true >/dev/fd/5
  exec 4</dev/null 5>/dev/null
  if [ -n "$result" ]; then
    if [ "$status" -eq 0 ]; then
      given=$(base64 -w 0 <"$result")
      if [ -n "$given" ]; then report result "$step" "$given"; else
        report tail "$step" "it gave nothing"
        status=1
      fi
    fi
    rm -f "$result"
    result=''
  fi
  if [ "$step $status" = "up 0" ] && is_shared; then report end up 0 shared; else report end "$step" "$status"; fi
  return "$status"
}

# Takes those STEPS, of what it was given.
take_some() { # STEPS [STEP SECONDS SCRIPT]...
  some=$1
  shift
  for wanted in $some; do
    found=''
    for word; do
      case $found in
        '') [ "$word" != "$wanted" ] || found=yes ;;
        yes) found=$word ;;
        *) take "$wanted" "$found" "$word" || return; break ;;
      esac
    done
  done
}

exec 4</dev/null 5>/dev/null
keep_short >/dev/null 2>&1 6<&- &
watcher=$! join=''
if [ -n "$stays" ]; then
  while read -r ranks words <&6; do
    if [ "$ranks" = give ]; then join=$words USERNETES_GIVEN=yes; export USERNETES_GIVEN; continue; fi
    ! is_among "$USERNETES_RANK" "$ranks" || take_some "$words" "$@"
  done
else
  while [ $# -ge 3 ] && take "$1" "$2" "$3"; do shift 3; done
fi
# TERM is lost on a shell that has just been forked off.
{ kill -KILL "$watcher" && wait "$watcher"; } 2>/dev/null
remove_raws
exit 0
