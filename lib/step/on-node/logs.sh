# Tells what the steps of a cluster have printed on this node, also the one that runs.
#
#   sh -c "$(cat place.sh logs.sh)" usernetes NONCE JOBID BYTES once|follow STEP...
#
# Lines on stderr, which streams through flux-exec(1); any other line is to be left out:
#
#   NONCE log STEP TEXT     a part of its log, or of what it prints now: lines with 036
#                           after each, which may go on in the next part. (Many lines
#                           before a command's end are as many errors in flux-dmesg(1).)
#   NONCE cut STEP          more than BYTES were new: what came first is left out
#   NONCE end yes|no        that is all; no: there is no such cluster here
#
# Only looks. `follow` goes on until TERM, also where the work directory is yet to be
# made, and tells nothing twice: what a step prints is put into its log when it ends,
# and that many of the log's lines are known then. Half a line is not told. To take out
# secrets is the reader's part.
nonce=$1 jobid=$2 most=$3 how=$4
shift 4
over='' found=no
trap 'over=yes' TERM INT HUP

# Nothing planted is followed or waited for.
is_ours() {
  for place in "$USERNETES_WORKDIR" "$state" "$state/nodes" "$node"; do
    if [ -L "$place" ] || [ ! -d "$place" ]; then return 1; fi
  done
  [ ! -L "$state/owner" ] && [ -f "$state/owner" ] && read -r owner _ <"$state/owner" && [ "$owner" = "$jobid" ]
}

# What looks is not ended by a TERM, which comes to all of the process group: it would have
# told half of what is then taken for told.
whole() { trap '' TERM INT HUP; }

# Sets $lines and $bytes of a file; fails if it is none, or empty.
count() {
  [ ! -L "$1" ] && [ -f "$1" ] && [ -s "$1" ] && [ -r "$1" ] || return 1
  read -r lines bytes <<END
$(whole; wc -l -c <"$1")
END
  # It may have been emptied this moment.
  [ "$bytes" -gt 0 ]
}

# tell FILE FIRST LAST NEW: lines of it; NEW: how many bytes it has grown by. Fails if it was
# emptied meanwhile, as what a step has printed is when it is in the log.
tell() {
  part=$(whole; sed -n "$2,$3p" "$1" | tail -c "$most"; echo .)
  # It may have got its TERM before it could do without.
  case $part in *.) ;; *) return 1 ;; esac
  [ -s "$1" ] || return
  first=''
  if [ "$4" -gt "$most" ]; then
    printf '%s cut %s\n' "$nonce" "$step" >&2
    first=1d
  fi
  (
    whole
    printf '%s' "${part%.}" | sed -e "$first" | tr '\n' '\036' | fold -b -w 32768 |
      sed "s/^/$nonce log $step /" >&2
  ) || return
  echo >&2
}

# By the step's place in the list: log_N, raw_N: lines that were told of its log and of
# what it prints; had_N: bytes of what it printed; done_N: that is in its log by now.
look() {
  n=0
  for step; do
    n=$((n + 1)) log=$node/$step.log raw=$node/$step.raw
    eval "old=\${log_$n:-} told=\${raw_$n:-0} had=\${had_$n:-0} known=\${done_$n:-}"
    [ -s "$raw" ] || known=''
    # A log grows when its step ends: not all are read each time.
    if [ -z "$old" ] || [ -s "$raw" ] || [ "$told" -gt 0 ] || [ -n "$over" ]; then
      look_at_log
      [ -n "$known" ] || look_at_raw
    fi
    eval "log_$n=\$old raw_$n=\$told had_$n=\$had done_$n=\$known"
  done
}

look_at_log() {
  count "$log" || return 0
  last=$lines
  # The last line may have no end.
  if [ "$how" = once ]; then last=\$ lines=$((lines + 1)); fi
  [ "$lines" -gt "${old:-0}" ] || return 0
  from=$((${old:-0} + told + 1))
  [ "$from" -gt "$lines" ] || tell "$log" "$from" "$last" "$bytes" || return 0
  old=$lines told=0 had=0 known=yes
}

look_at_raw() {
  count "$raw" || return 0
  [ "$lines" -ge "$told" ] || { told=0; had=0; }
  [ "$lines" -le "$told" ] || tell "$raw" "$((told + 1))" "$lines" $((bytes - had)) || { look_at_log; return 0; }
  told=$lines had=$bytes
}

# The last look is one that has begun after TERM: it may come in the middle of one.
while :; do
  ending=$over
  if is_ours; then
    found=yes
    look "$@"
  fi
  if [ "$how" = once ] || [ -n "$ending" ]; then break; fi
  [ -n "$over" ] || sleep 0.5
done
printf '%s end %s\n' "$nonce" "$found" >&2
sleep 0.1
