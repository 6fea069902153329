"""Runs the checks of `flux usernetes doctor` on this node."""

import re
import subprocess

from caller import LineReader
from masking import mask
from processes import STEP, end_sessions
from text import clean


def run_checks(runner, site, request):
    """Run a script that prints `ID ok|no TEXT` for each check, and report each."""
    reports, reason = runner.reports, site.make_directories()
    if site.variables:
        reports.send("check", id="environment", ok=not reason, text=reason)

    def report(line):
        match = re.match(r"(\S+) (ok|no) ?(.*)$", line)
        if match:
            name, verdict, text = match.groups()
            reports.send("check", id=name, ok=verdict == "ok", text=mask(clean(text))[:1500])

    child = subprocess.Popen(
        ["sh", "-c", request["script"], STEP, runner.nonce, "checks"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=site.environment,
        cwd="/",
        start_new_session=True,
    )
    try:
        runner.caller.read_lines(LineReader(child.stdout.fileno(), report), request["seconds"])
    finally:
        end_sessions({child.pid})
    reports.send("checked")
