# Has the lead make a join-command and gives it to the caller on descriptor 3.
#
# Safe to repeat: it makes another token; delete-token deletes them all.
set -eu
cd "$USERNETES_WORKDIR"
set -a
. "$node/node.env"
set +a
make join-command 3>&- || explain_failure
text=$(head -c 65536 join-command)
# Where compose gives kubeadm a terminal, its warnings are in the file with it.
case $text in
  *[IWE][0-9][0-9][0-9][0-9]' '[0-9][0-9]:*)
    sed -i '/^[IWE][0-9]\{4\} [0-9][0-9]:[0-9.:]* /d' join-command
    text=$(head -c 65536 join-command)
    ;;
esac
[ -z "$text" ] || printf '%s\n' "$text" >&3
