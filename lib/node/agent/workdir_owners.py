"""Has the work directories of each user searched for, as that user."""

import json
import os
import re

from environment import parse_variables
from files import is_directory, list_directory

SEARCH_S = 15  # seconds for the search for work directories as one user
SEARCH_MAX = 64  # directories of one user that are reported


def find_as_each_owner(agent, request):
    """Search for work directories as the owner and, with `others`, as each user who has one.

    Only its owner can read a directory, and such a user's process may print anything.
    Therefore the owner of a directory is taken from the file system alone.
    """
    me = os.getuid()
    uids = {me} | (owners(request["base"]) - {0} if request["others"] else set())
    for uid in sorted(uids):
        found = []

        def take(kind, report, found=found):
            if kind == "found" and len(found) <= SEARCH_MAX:
                found.extend(parse_found(report))

        def is_enough(found=found):
            return len(found) > SEARCH_MAX

        runner = agent.start_runner(None if uid == me else uid, request["env"])
        try:
            is_whole = runner.carry_out(request, take, SEARCH_S, is_enough)
        finally:
            runner.end(1)
        for jobid, engine, site in found[:SEARCH_MAX]:
            known = engine if engine in ("docker", "podman", "nerdctl") else ""
            agent.reports.send("found", userid=uid, jobid=jobid, engine=known, site=site)
        if not is_whole:
            agent.reports.send("unseen", userid=uid)
    agent.reports.send("searched", host=agent.hostname)


def owners(base):
    """The users who have work directories."""
    paths = [os.path.join(base, name) for name in list_directory(base)]
    return {
        os.lstat(path).st_uid
        for path in paths
        if os.path.basename(path).startswith("usernetes-") and is_directory(path)
    }


def parse_found(report):
    """[(jobid, engine, site)] of a report of a runner; [] if it is forged."""
    try:
        jobid, engine = str(report["jobid"]), str(report["engine"])
        site = parse_variables(json.dumps(report.get("site")))
    except (KeyError, TypeError, ValueError):
        return []
    return [(jobid, engine, site)] if re.match(r"[0-9]{1,20}$", jobid) else []
