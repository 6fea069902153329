"""Searches for the work directories of a Flux instance on this node."""

import os

from environment import parse_variables
from files import is_directory, is_own_directory, list_directory, read_small
from place import SITE, SITE_MAX, node_directory, owner_of


def report_workdirs(reports, environment, request):
    """Report the work directories of an instance that this user has.

    It only reads. A directory counts by its marker, and only if this user owns it, since
    anybody may make a directory of that name. A directory that nodes share counts on the
    nodes that have a directory of their own in it.
    """
    base, instance = request["base"], request["instance"]
    for name in sorted(list_directory(base)):
        workdir = os.path.join(base, name)
        if not name.startswith("usernetes-") or not is_own_directory(workdir):
            continue
        owner = owner_of(workdir)
        if len(owner) < 2 or owner[1] != instance:
            continue
        state = os.path.join(workdir, ".usernetes")
        rank, here = (environment["USERNETES_" + name] for name in ("RANK", "HERE"))
        node = node_directory(state, rank, here)
        if not is_directory(node) and list_directory(os.path.dirname(node)):
            continue
        engine = read_small(os.path.join(state, "engine"), 64).strip()
        site = parse_variables(read_small(os.path.join(state, SITE), SITE_MAX))
        reports.send("found", jobid=owner[0], engine=engine, site=site)
