# Whether the program of a hook (usernetes.hooks) can run on this node.

# Sets $lacks to the reason in one line, or to nothing if the program can run. A relative path
# with a slash is in DIR; a name without a slash is searched on the PATH.
hook_lacks() { # NAME PROGRAM DIR
  lacks='' what="the program of the hook $1 (usernetes.hooks.$1)"
  case $2 in
    /*) file=$2 ;;
    */*) file=$3/$2 ;;
    *)
      command -v "$2" >/dev/null || lacks="$what is not on the PATH of this node: $2; the PATH is $PATH"
      return
      ;;
  esac
  if [ ! -e "$file" ]; then lacks="$what is not on this node: $file"; elif [ ! -f "$file" ] || [ ! -x "$file" ]; then
    lacks="$what is not a file that $(id -un) can execute: $file"
  fi
}
