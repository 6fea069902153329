# Tells which workdirs of this instance the user has who runs it: `JOBID ENGINE`,
# one a line.
#
#   sh -c "$(cat find-workdirs.sh)" usernetes BASE INSTANCE RANK
#
# Only looks. A directory counts by its marker file alone, and only where this
# user owns it: anybody may make one of that name under /tmp. One that nodes share
# is on those that have a directory of their own in it (place.sh).
base=$1 instance=$2 rank=$3 here=$(hostname)
for workdir in "$base"/usernetes-*; do
  owner=$workdir/.usernetes/owner
  if [ -L "$workdir" ] || [ ! -O "$workdir" ] || [ -L "$workdir/.usernetes" ]; then continue; fi
  if [ -L "$owner" ] || [ ! -f "$owner" ]; then continue; fi
  read -r jobid theirs _ <"$owner" || continue
  [ "$theirs" = "$instance" ] || continue
  nodes=$workdir/.usernetes/nodes
  [ -d "$nodes/$rank" ] || [ -d "$nodes/$here" ] || [ -z "$(ls -A "$nodes" 2>/dev/null)" ] || continue
  engine=''
  if [ -f "$workdir/.usernetes/engine" ]; then read -r engine <"$workdir/.usernetes/engine"; fi
  echo "$jobid ${engine:--}"
done
