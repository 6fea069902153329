# Why nothing can be written where a step of ours writes. A shell's and a program's own
# errors name neither the file system nor what to do, or were to be written there, too.

# Prints one line where DIR, which is KEY's, takes no 64 KiB; else nothing.
why_full() { # DIR KEY
  [ -d "$1" ] || return 0
  if probe=$(LC_ALL=C mktemp "$1/.usernetes.XXXXXX" 2>&1); then
    error=$(LC_ALL=C head -c 65536 /dev/zero 2>&1 >"$probe") || true
    rm -f "$probe"
  else
    error=$probe
  fi
  case $error in
    *"No space left"*)
      full="no space left on"
      [ "$(stat -f -c '%c %d' "$1" 2>/dev/null | sed 's/^0 .*//; s/.* //')" != 0 ] || full="no inodes left on"
      ;;
    *"quota exceeded"*) full="the disk quota of uid $(id -u) is used up on" ;;
    *"Read-only file system"*)
      printf '%s\n' "the file system of $1${2:+ ($2)} is read-only: set ${2:-the work directory} to another directory"
      return 0
      ;;
    *) return 0 ;;
  esac
  printf '%s\n' "$full $1${2:+ ($2)}: free some, or set ${2:-the work directory} to another directory"
}

# The same of the places that a cluster's steps write to: the first that is full.
why_step_full() {
  if [ -n "${USERNETES_KEEP:-}" ]; then
    reason=$(why_full "$USERNETES_WORKDIR" '')
  else
    reason=$(why_full "${USERNETES_WORKDIR%/*}" usernetes.workdir)
  fi
  [ -n "$reason" ] || reason=$(why_full "${TMPDIR:-/tmp}" TMPDIR)
  [ -z "$reason" ] || printf '%s\n' "$reason"
}
