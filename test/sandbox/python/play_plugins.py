"""Calls the plugins under etc as Flux does: python3 play_plugins.py ETC

Each line on stdin is a request, and each line on stdout an answer, both in JSON:
  {"attributes": ..., "usernetes": true, "options": "debug"}   for flux submit
  {"attributes": ..., "by": "cli" or "validator"}              for a job validator
The answer is {"attributes": ...}, or {"error": ...} with the plugin's message.
"""

import json
import sys
from types import SimpleNamespace

from flux.importer import import_path

ETC = sys.argv[1]
CLI = import_path(f"{ETC}/cli/plugins/usernetes.py")
PLUGIN = CLI.UsernetesPlugin("submit")
VALIDATOR = import_path(f"{ETC}/ingest/validators/usernetes.py").Validator(None)


class Jobspec:
    def __init__(self, attributes):
        self.attributes = attributes

    def setattr(self, key, value):
        here = self.attributes
        *path, last = key.split(".")
        for name in path:
            here = here.setdefault(name, {})
        here[last] = value


def play(request):
    jobspec = Jobspec(request["attributes"])
    if "by" not in request:
        args = SimpleNamespace(
            usernetes=request["usernetes"], usernetes_options=request.get("options")
        )
        PLUGIN.preinit(args)
        PLUGIN.modify_jobspec(args, jobspec)
    elif request["by"] == "cli":
        PLUGIN.validate(jobspec)
    else:
        VALIDATOR.validate(SimpleNamespace(jobspec={"attributes": jobspec.attributes}))
    user = (jobspec.attributes or {}).get("user")
    asks = CLI.parse_request(user) if isinstance(user, dict) else None
    return {"attributes": jobspec.attributes, "asks": asks}


for line in sys.stdin:
    try:
        answer = play(json.loads(line))
    except ValueError as error:
        answer = {"error": str(error)}
    print(json.dumps(answer))
