"""Options of flux run, submit, batch and alloc that ask for a Kubernetes cluster.

The allowed values are defined by parse_request() here and by lib/cluster/request.ts
for the daemon. Both return the same for every attribute; their tests share one table.

Flux's own job validator loads this file too, from the directory of the broker's
CLI plugins, and calls validate() for every job: a bad attribute is then refused by
flux submit itself, however it was set. Where a site configures its own validators,
ingest/validators/usernetes.py does the same.

Failure behaviour: one line, and the job is not submitted.
"""

import json
import re

from flux.cli.plugin import CLIPlugin

YES = ("yes", "true", "on", "1")
NO = ("no", "false", "off", "0", "")
ENGINES = ("docker", "podman", "nerdctl")
OPTIONS = ("engine", "debug", "tolerate", "schedule_on_lead", "template")
# Options that may stand without a value.
FLAGS = ("debug", "schedule_on_lead")
YES_OR_NO = "yes or no (also true, on, 1, false, off, 0)"
TEMPLATES = (
    "the name of a template of the site, or an absolute path of 1024 bytes or less, "
    'without ":" and without the parts "." and ".."'
)
ABSENT = object()


def flag(value):
    """Return True, False, or None for any other value."""
    if isinstance(value, str):
        word = value.lower()
        return False if word in NO else True if word in YES else None
    if value is None or (_is_scalar(value) and value == 0):
        return False
    return True if _is_scalar(value) and value == 1 else None


def parse_request(user):
    """Return what attributes.user asks for: None, or a dict of its OPTIONS.

    Raises ValueError if it is not valid; the message lists what is allowed.
    """
    asked = user.get("usernetes")
    options = asked if isinstance(asked, dict) else {}
    if not isinstance(asked, dict):
        yes = flag(asked)
        if yes is None:
            _refuse(
                "usernetes",
                asked,
                f'{YES_OR_NO}, or an object {{"engine": ..., "debug": ...}}',
            )
        if not yes:
            return None
    for name in options:
        if name not in OPTIONS:
            _refuse(
                f"usernetes.{name[:40]}",
                options[name],
                "only engine, debug, tolerate, schedule_on_lead and template",
            )
    return _parse_options(
        debug=_first(user.get("usernetes_debug"), options.get("debug"), False),
        engine=_first(user.get("usernetes_engine"), options.get("engine", ABSENT)),
        tolerate=_first(user.get("usernetes_tolerate"), options.get("tolerate"), 0),
        schedule=_first(
            user.get("usernetes_schedule_on_lead"),
            options.get("schedule_on_lead", ABSENT),
        ),
        template=_first(
            user.get("usernetes_template"), options.get("template", ABSENT)
        ),
    )


def _parse_options(debug, engine, tolerate, schedule, template):
    held = flag(debug)
    if held is None:
        _refuse("usernetes_debug", debug, YES_OR_NO)
    if engine is not ABSENT and engine not in ENGINES:
        _refuse("usernetes_engine", engine, "docker, podman or nerdctl")
    workers = _workers(tolerate)
    if workers is None:
        _refuse("usernetes_tolerate", tolerate, "a whole number of workers")
    scheduling = _scheduling(schedule)
    if scheduling is ABSENT:
        _refuse("usernetes_schedule_on_lead", schedule, f"auto, {YES_OR_NO}")
    if template is not ABSENT and not _is_template(template):
        _refuse("usernetes_template", template, TEMPLATES)
    return {
        "template": None if template is ABSENT else template,
        "schedule_on_lead": scheduling,
        "engine": None if engine is ABSENT else engine,
        "debug": held,
        "tolerate": workers,
    }


def _scheduling(value):
    """Return auto, yes or no; None if it is not set, ABSENT for any other value."""
    if value is ABSENT:
        return None
    if isinstance(value, str) and value.lower() == "auto":
        return "auto"
    yes = flag(value)
    return ABSENT if yes is None else "yes" if yes else "no"


def _workers(value):
    if isinstance(value, str):
        digits = 1 <= len(value) <= 6 and value.isascii() and value.isdigit()
        return int(value) if digits else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if value >= 0 and value == value // 1 else None


def _is_template(value):
    """Check that it is a name, or a path without "." or "..". The daemon checks the rest."""
    if not isinstance(value, str):
        return False
    if re.fullmatch("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", value):
        return True
    strange = r"[\x00-\x1f\x7f:]|/\.\.?(/|\Z)"
    is_short = len(value.encode("utf-8", "surrogatepass")) <= 1024
    return value.startswith("/") and is_short and not re.search(strange, value)


def _is_scalar(value):
    return isinstance(value, (bool, int, float))


def _first(*values):
    """Return the first value that is not null, or the last value."""
    return next((value for value in values if value is not None), values[-1])


def _refuse(key, found, allowed):
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    try:
        text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))[:200]
    except RecursionError:
        # Uncaught, the error would end the validator and other users' jobs with it.
        text = "something too deep"
    # JavaScript counts a character beyond U+FFFF as two.
    shown = "".join(
        c if " " <= c <= "~" else "?" if c <= "\uffff" else "??" for c in text
    )
    raise ValueError(f"attributes.user.{key}: found {shown[:80]}, allowed: {allowed}")


def parse_options(text):
    """Return the attributes for --usernetes-options=TEXT, without "user.".

    Raises ValueError with the spelling of the command line.
    """
    found = {}
    for word in filter(None, text.split(",")):
        name, equals, value = word.partition("=")
        key = name.replace("-", "_")
        if key not in OPTIONS:
            raise ValueError(
                f'--usernetes-options: found "{name}", allowed: engine=NAME, debug, '
                "tolerate=N, schedule-on-lead, template=NAME"
            )
        if not equals and key not in FLAGS:
            raise ValueError(f"--usernetes-options: {name} needs a value: {name}=...")
        found[f"usernetes_{key}"] = value if equals else "yes"
    try:
        parse_request({"usernetes": "yes", **found})
    except ValueError as error:
        fault = str(error).replace("attributes.user.usernetes_", "", 1)
        raise ValueError(f"--usernetes-options: {fault}") from None
    return found


class UsernetesPlugin(CLIPlugin):
    """A user-space Kubernetes cluster for the job

    --usernetes
        Start the job when a Kubernetes cluster of exactly its nodes is ready,
        and remove the cluster when the job ends. KUBECONFIG is set in each
        task; the file is on the job's first node.

    --usernetes-options=OPTION[,OPTION...]
        engine=NAME   docker, podman or nerdctl, where the site allows it
        debug         hold the job when its cluster is ready or has failed,
                      until it is released or canceled
        tolerate=N    continue without up to N nodes that fail
        template=NAME a template of the site; or, where it allows that, the
                      absolute path of a directory of your own
        schedule-on-lead[=auto|yes|no]
                      let pods run on the first node, too; auto: only if it is
                      the job's only node

    Example:
        flux run -N2 --usernetes --usernetes-options=engine=podman,tolerate=1 ./script.sh
    """

    def __init__(self, prog):
        super().__init__(prog, prefix="")
        self.add_option(
            "--usernetes",
            action="store_true",
            help="Start the job with a Kubernetes cluster of exactly its nodes",
        )
        # Two options: with one whose value is optional, argparse would read the
        # job's command as the value.
        self.add_option(
            "--usernetes-options",
            metavar="OPTIONS",
            help="Options of the cluster, separated by commas: engine=docker|podman|nerdctl, "
            "debug, tolerate=N, schedule-on-lead, template=NAME",
        )

    def preinit(self, args):
        if args.usernetes_options is None:
            return
        if not args.usernetes:
            raise ValueError(
                "--usernetes-options: given without --usernetes, which asks for the cluster"
            )
        parse_options(args.usernetes_options)

    def modify_jobspec(self, args, jobspec):
        if not args.usernetes:
            return
        asked = ((jobspec.attributes or {}).get("user") or {}).get("usernetes")
        # Keep the options that --setattr gave.
        if not isinstance(asked, dict):
            jobspec.setattr("user.usernetes", "yes")
        for key, value in parse_options(args.usernetes_options or "").items():
            jobspec.setattr(f"user.{key}", value)

    def validate(self, jobspec):
        user = (jobspec.attributes or {}).get("user")
        if isinstance(user, dict):
            parse_request(user)
