# What a node has of what clusters need. Prints a line for each check, which the agent reports:
#
#   ID ok|no TEXT
#
#   sh -c "$(cat begin.sh ...)" usernetes-step NONCE
#
# It looks, and changes nothing but for a file in the workdir that it removes again.
# What hangs is stopped after 15 s, where there is a timeout(1). The last line is
# `end ok`.
nonce=$1
exec </dev/null 3>&1 >/dev/null 2>&1

# Where /proc, /sys and /etc are: tests have some of their own.
top=${USERNETES_TOP:-}
uid=$(id -u)

tell() { # ID VERDICT WORD...
  id=$1 verdict=$2
  shift 2
  words=$(printf '%s' "$*" | tr -s '\n\t ' '   ' | cut -c 1-1500)
  printf '%s %s %s\n' "$id" "$verdict" "$words" >&3
}

has() { command -v "$1" >/dev/null; }

limited() {
  if has timeout; then timeout -k 2 15 "$@"; else "$@"; fi
}

# Sets $kind, of the file system that a path is on; fails where it is not a local one.
is_local() { # PATH
  kind=$(limited stat -f -c %T "$1")
  case $kind in
    nfs* | lustre | gpfs | ceph | cifs | smb* | fuse* | afs | panfs | beegfs) return 1 ;;
  esac
}

last_line() { sed '/^[[:space:]]*$/d' | tail -n 1; }

tell clock ok "$(date +%s%3N)"
tell host ok "$(hostname)"
