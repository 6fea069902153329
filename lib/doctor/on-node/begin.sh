# Checks what clusters need on a node. Prints a line for each check, which the agent reports:
#
#   ID ok|no TEXT
#
#   sh -c "$(cat begin.sh ...)" usernetes-step NONCE
#
# It changes nothing, except for a file in the work directory that it removes again. A command that
# hangs is stopped after USERNETES_LIMIT seconds (15), if there is a timeout(1). The last line is
# `end ok`.
nonce=$1
exec </dev/null 3>&1 >/dev/null 2>&1

# The root of /proc, /sys and /etc, which tests replace.
top=${USERNETES_TOP:-}
uid=$(id -u)
limit_s=${USERNETES_LIMIT:-15}

report() { # ID VERDICT WORD...
  id=$1 verdict=$2
  shift 2
  # sh splits at any white space; a program for that would take longer than most checks.
  set -f
  # shellcheck disable=SC2048,SC2086
  set -- $*
  set +f
  text=$*
  [ "${#text}" -le 1500 ] || text=$(printf '%s' "$text" | cut -c 1-1500)
  printf '%s %s %s\n' "$id" "$verdict" "$text" >&3
}

has() { command -v "$1" >/dev/null; }

limited() {
  if has timeout; then timeout -k 2 "$limit_s" "$@"; else "$@"; fi
}

# Sets $kind, the type of the file system of a path; fails if it is not local. The names are those
# of stat(1).
is_local() { # PATH
  kind=$(limited stat -f -c %T "$1")
  case $? in 124 | 137) kind="a file system that did not answer within $limit_s s" && return 1 ;; esac
  case $kind in
    nfs* | lustre | gpfs | ceph | cifs | smb* | fuse* | afs | k-afs | panfs | fhgfs | v9fs | snfs | coda | ibrix) return 1 ;;
  esac
}

last_line() { sed '/^[[:space:]]*$/d' | tail -n 1; }

report clock ok "$(date +%s%3N)"
report host ok "$(hostname)"
