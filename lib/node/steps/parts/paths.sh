# Where a cluster keeps what is each node's own: in a work directory that nodes share,
# each has a directory of its own under the same one. Sets $here, $member, $state, $node.
#
# A node is known by its rank: Flux may have another name for the host than hostname(1),
# and two hosts may have the same. A cluster by hand has no ranks, and takes the host's.
here=${USERNETES_HERE:-$(hostname)}
member=${USERNETES_RANK:-$here}
state=$USERNETES_WORKDIR/.usernetes
node=$state/nodes/$member
# Until 2026-11-30 that directory had the name of the host: a cluster that such a version
# made keeps it. A number is a rank.
case $here in
  *[!0-9]*) if [ ! -d "$node" ] && [ -d "$state/nodes/$here" ]; then node=$state/nodes/$here; fi ;;
esac

# The work directory is the lead's, too: what it puts there is here.
is_shared() { [ "$member" != "$USERNETES_LEAD" ] && [ -d "$state/nodes/$USERNETES_LEAD" ]; }
