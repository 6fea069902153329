"""Refuses a job with invalid usernetes attributes at submission.

    [ingest.validator]
    plugins = [ "jobspec", "/etc/flux/ingest/validators/usernetes.py" ]

The rules are those of cli/plugins/usernetes.py. Where that file is installed, Flux's own
validator, jobspec, applies them, and this validator is not needed.
"""

import os

from flux.importer import import_path
from flux.job.validator import ValidatorPlugin

HERE = os.path.dirname(os.path.realpath(__file__))
RULES = import_path(os.path.join(HERE, "../../cli/plugins/usernetes.py"))


class Validator(ValidatorPlugin):
    def __init__(self, parser):
        pass

    def validate(self, job):
        attributes = job.jobspec.get("attributes")
        user = attributes.get("user") if isinstance(attributes, dict) else None
        if isinstance(user, dict):
            RULES.parse_request(user)
