# Whether the program of a hook (usernetes.hooks) can run on this node.

# Sets $file: the first file of that name on the PATH that can be executed. A builtin of the
# shell, such as `test` or `exit`, is not a program.
find_on_path() { # NAME
  file='' rest=$PATH:
  while [ -n "$rest" ]; do
    directory=${rest%%:*} rest=${rest#*:}
    [ ! -f "${directory:-.}/$1" ] || [ ! -x "${directory:-.}/$1" ] || { file=${directory:-.}/$1 && return; }
  done
}

# Sets $lacks to one line that explains why the program cannot run, or to nothing. Sets $file to the
# path of the program. A relative path with a slash is in DIR. A name without a slash is on the PATH.
hook_lacks() { # NAME PROGRAM DIR
  lacks='' what="the program of the hook $1 (usernetes.hooks.$1)"
  case $2 in
    /*) file=$2 ;;
    */*) file=$3/$2 ;;
    *)
      find_on_path "$2"
      [ -n "$file" ] || lacks="$what is not on the PATH of this node: $2; the PATH is $PATH"
      return
      ;;
  esac
  if [ ! -e "$file" ]; then lacks="$what is not on this node: $file; install it there, or change usernetes.hooks"; elif [ ! -f "$file" ] || [ ! -x "$file" ]; then
    lacks="$what is not a file that $(id -un) can execute: $file; make it executable, or change usernetes.hooks"
  fi
}
