# What stands between run.sh and a step. Sets $keep_step, for
#
#   sh -c "$keep_step" usernetes-step NONCE STEP SECONDS SCRIPT
#
# as the leader of a process group of its own. Gives what the step gives, or 124 or 137
# where that ran out of its SECONDS.
#
# TERM comes to it alone, and so does the end of the SECONDS; it ends the step: all of its
# group goes, as an orphan would go on under the next call. But podman that makes or
# removes something ends that first. With TERM it stops halfway: what it has made of a
# network, the addresses and the bridge, stays for good, it knows nothing of that, and the
# next try finds it in the way. Where it takes too long, it gets TERM after eight seconds
# and KILL after ten.
#
# timeout(1) is below it, and ends no more than the step's own shell: above it that would
# send KILL at the end of the SECONDS if it had passed on a TERM before, at which the rest
# goes on as orphans. A bring-up's deadline is the end of both.
read_text <<'STEP'
# The group's processes, one a line: PID wait|client|end. Those of podman's own that it
# is to wait for; other clients of an engine; the rest.
members() {
  for file in $(grep -lsE "\) [A-Za-z] [0-9]+ $$ " /proc/[0-9]*/stat); do
    read -r stat <"$file" || continue
    parent=${stat##*) } parent=${parent#* }
    printf '%s %s %s\n' "${stat%% *}" "${parent%% *}" "$(tr '\n\0' '  ' <"${file%stat}cmdline")"
  done 2>/dev/null | awk '
    {
      parent[$1] = $2
      sub(/.*\//, "", $3)
      client[$1] = $3 ~ /^(podman|docker|nerdctl|crun|runc)$/
      if ($3 == "podman" && $4 !~ /^(exec|build|pull)$/) makes[$1]
    }
    END {
      for (pid in parent) {
        what = client[pid] ? "client" : "end"
        # A pid may have gone to another process: it is no tree for sure.
        for (at = pid; at in parent && up < 64; at = parent[at]) { up++; if (at in makes) what = "wait" }
        up = 0
        print pid, what
      }
    }'
}

# Seconds, by a clock that nobody sets.
now() {
  read -r up _ </proc/uptime
  echo "${up%.*}"
}

end_step() {
  trap "" TERM
  began=$(now) told='client|end'
  while found=$(members); do
    for pid in $(printf '%s\n' "$found" | sed -nE "s/ ($told)\$//p"); do
      [ "$pid" -eq $$ ] || kill -TERM "$pid"
    done 2>/dev/null
    case $found in *wait* | *client*) ;; *) break ;; esac
    sleep 0.1
    past=$(($(now) - began))
    if [ "$past" -ge 10 ]; then break; elif [ "$past" -ge 8 ]; then told='.*'; else told='none'; fi
  done
  kill -KILL 0
}
trap end_step TERM

# For the template's programs; all others start faster without.
LANG=C.UTF-8
export LANG
# What is begun in the background has no stdin of its own accord.
{ timeout --foreground "$3" sh -c "$4" usernetes "$2" "$1" <&7 7<&- & } 7<&0
wait "$!"
status=$?
[ "$status" -ne 124 ] || end_step
exit "$status"
STEP
keep_step=$text
