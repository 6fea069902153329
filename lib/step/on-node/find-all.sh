# Tells which workdirs of this instance are on this node: `UID JOBID ENGINE HOST`,
# one a line, then `- end - HOST`.
#
#   sh -c "$(cat find-all.sh)" usernetes BASE INSTANCE SUDO FIND
#
# FIND is find-workdirs.sh. Only the owner of a workdir can look into it. Where
# SUDO is yes, each who has a directory of such a name is looked for as that user;
# `UID unseen - HOST` where that gave no answer. What such a user's process prints
# may be anything: UID is the directory's owner, and never what was printed; it
# gets some seconds, and so many lines; nobody waits for what it leaves running.
base=$1 instance=$2 sudo=$3 find=$4
me=$(id -u) here=$(hostname)
exec </dev/null
find_rank || exit

# What may be told, of what a user's process has printed.
tell() { # UID
  LC_ALL=C grep -aE '^([0-9]{1,20} (docker|podman|nerdctl|-)|end)$' | head -n 64 |
    while read -r jobid engine; do
      [ "$jobid" = end ] || echo "$1 $jobid $engine $here"
    done
}

look_as() { # UID
  # shellcheck disable=SC2016 # it is for the inner shell
  text=$(setpriv --pdeathsig TERM timeout -k 1 15 sh -c '"$@" 2>/dev/null | head -c 65536' sh \
    sudo -n -u "#$1" setpriv --pdeathsig TERM timeout -k 5 12 env -i "PATH=$PATH" \
    sh -c "$find
echo end" usernetes "$base" "$instance" "$USERNETES_RANK" | tr -d '\0')
  printf '%s\n' "$text" | tell "$1"
  case $text in *end) ;; *) echo "$1 unseen - $here" ;; esac
}

sh -c "$find" usernetes "$base" "$instance" "$USERNETES_RANK" | tell "$me"
if [ "$sudo" = yes ]; then
  for uid in $(find "$base" -mindepth 1 -maxdepth 1 -type d -name 'usernetes-*' ! -uid "$me" ! -uid 0 -printf '%U\n' | sort -un); do
    look_as "$uid" &
  done
  wait
fi
echo "- end - $here"
