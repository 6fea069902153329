# Where a cluster keeps what is each node's own: in a work directory that nodes share,
# each has a directory of its own under the same one. Sets $here, $state, $node.
here=${USERNETES_HERE:-$(hostname)}
state=$USERNETES_WORKDIR/.usernetes
node=$state/nodes/$here

# The work directory is the lead's, too: what it puts there is here.
is_shared() { [ "$here" != "$USERNETES_LEAD" ] && [ -d "$state/nodes/$USERNETES_LEAD" ]; }
