"""Where a cluster keeps what is its own on this node, and whose a work directory is."""

import os

from files import is_directory, read_small

MARKER_MAX = 8 << 10  # bytes of a marker; by hand it has the path of the work directory
SITE = "site"  # the file with the site's variables in a cluster's work directory
SITE_MAX = 64 << 10  # bytes of it


class Place:
    """The places of a cluster on this node, from the environment of its steps.

    In a work directory that nodes share, each node has a directory of its own, named after
    its rank, because Flux may use another host name than hostname(1). A cluster by hand has
    no ranks, and uses the host name.
    """

    def __init__(self, environment):
        self.workdir = environment["USERNETES_WORKDIR"]
        self.member = environment.get("USERNETES_RANK") or environment["USERNETES_HERE"]
        self.lead = environment.get("USERNETES_LEAD", "")
        self.state = os.path.join(self.workdir, ".usernetes")
        self.node = node_directory(self.state, self.member, environment["USERNETES_HERE"])

    def is_real(self):
        """Whether the directories exist; none of them may be a link."""
        places = (self.workdir, self.state, os.path.dirname(self.node), self.node)
        return all(is_directory(place) for place in places)

    def is_shared(self):
        """Whether this node shares its work directory with the lead."""
        lead = os.path.join(self.state, "nodes", self.lead)
        return self.member != self.lead and is_directory(lead)


def node_directory(state, member, here):
    """A node's own directory in a work directory.

    Until 2026-11-30 it was named after the host; a cluster that was made then keeps it. A
    number is a rank.
    """
    ranked, named = (os.path.join(state, "nodes", name) for name in (member, here))
    is_named = not is_directory(ranked) and not here.isdigit() and is_directory(named)
    return named if is_named else ranked


def owner_of(workdir):
    """The fields of a directory's marker: [jobid, instance]; [] if it is not a cluster's."""
    state = os.path.join(workdir, ".usernetes")
    if not is_directory(workdir) or not is_directory(state):
        return []
    return read_small(os.path.join(state, "owner"), MARKER_MAX).split("\n")[0].split()
