"""The agent: what flux-usernetes runs on a node.

Purpose
    flux-exec(1) starts one agent on each rank of a cluster. The agent carries out the requests
    of its caller: run steps, read their logs, search for work directories, run checks. Nothing
    is installed on the nodes: this text travels with the call, as an argument of python.

        flux python -I -S -c SOURCE usernetes-agent NONCE UID SECONDS [REQUEST]...

    The agent (agent.py) starts a runner (runner.py), which is this text again:

        python3 -I -S -c SOURCE usernetes-runner NONCE

    as the user UID through sudo(8), or as the instance owner. The runner carries out all
    requests of the call; a search for work directories has a runner for each user. The agent
    itself does what only the owner may do: it asks Flux for its rank, and extracts a join
    command from its archive.

Protocol
    The first requests are arguments, since flux-exec(1) passes its stdin on only when each rank
    has started, or Flux knows that it cannot: of a node that has just died, Flux may know that
    after minutes. Further requests come on stdin, and reports leave on stderr (flux-exec(1)
    streams stderr; it buffers stdout), one JSON object a line. Each report has the nonce of the
    call. docs/node-protocol.md lists them; lib/node/protocol.ts has their types.

Credentials
    The runner has the rights of its user, and the environment of the request. It sets the
    site's own variables itself: none of them passes through a shell. No argument and no
    variable is secret; a join command passes only through stdin and memory.

Failure
    The stdin of agent and runner is also their lifeline. When it ends without {"do": "end"},
    the caller is gone, and the agent ends everything that still runs for the request. A runner
    ends a step with all its descendants, at the deadline of the step or on SIGTERM. The next
    request of the same cluster ends processes that survived a SIGKILL of their runner.

Python 3.6 to 3.13, standard library only.
"""

import os
import sys

from agent import Agent
from caller import Gone
from processes import RUNNER
from runner import Runner


def main(arguments):
    role, nonce = arguments[0], arguments[1]
    try:
        if role == RUNNER:
            Runner(nonce).main()
        else:
            userid = int(arguments[2]) if arguments[2] else None
            agent = Agent(nonce, userid, arguments[3])
            for request in arguments[4:]:
                agent.caller.take(os.fsencode(request))
            agent.main()
    except Gone:
        return 143
    return 0


if __name__ == "__main__":
    # Nothing is buffered; Python's own end would take a fifth of the time of a start.
    os._exit(main(sys.argv[1:]))
