# The places of a node's own files: in a work directory that nodes share, each node has a
# directory of its own. Sets $here, $member, $state, $node.
#
# A node is identified by its rank: Flux may use another host name than hostname(1), and two hosts
# may have the same name. A cluster by hand has no ranks, and uses the host name.
here=${USERNETES_HERE:-$(hostname)}
member=${USERNETES_RANK:-$here}
state=$USERNETES_WORKDIR/.usernetes
node=$state/nodes/$member
# Until 2026-11-30 that directory was named after the host; a cluster that was made then keeps it.
# A number is a rank.
case $here in
  *[!0-9]*) if [ ! -d "$node" ] && [ -d "$state/nodes/$here" ]; then node=$state/nodes/$here; fi ;;
esac

# Prints the marker of the work directory: which cluster owns it. It follows no planted link and
# reads no fifo. It exits the shell, which is that of a command substitution.
read_owner() {
  if [ ! -L "$USERNETES_WORKDIR" ] && [ ! -L "$state" ] && [ ! -L "$state/owner" ] && [ -f "$state/owner" ]; then
    # By hand the marker is the path of the directory, of at most 4,096 bytes.
    exec head -c 8192 "$state/owner"
  fi
}

# Whether this node shares the work directory with the lead.
is_shared() { [ "$member" != "$USERNETES_LEAD" ] && [ -d "$state/nodes/$USERNETES_LEAD" ]; }
