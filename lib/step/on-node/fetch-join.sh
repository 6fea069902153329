# Puts the join-command, $join or what the instance owner took out of the archive
# (start.sh), into the workdir.
#
# Safe to repeat: it is replaced, and goes with the workdir. Where the work
# directory is the lead's, too, it is there already.
set -eu
if is_shared && [ -f "$USERNETES_WORKDIR/join-command" ]; then exit 0; fi
# What is there of that name is the user's own; it is replaced, never followed.
to=$USERNETES_WORKDIR/join-command
if [ -e "$to" ] || [ -L "$to" ]; then rm -f "$to"; fi
# shellcheck disable=SC2154 # fetch-join-here.sh sets $join, or run.sh
if [ -n "${USERNETES_GIVEN:-}" ]; then printf '%s\n' "$join" >"$to"; else head -c 65536 >"$to"; fi
