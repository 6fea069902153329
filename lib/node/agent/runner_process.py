"""A runner as its agent sees it: a process that takes requests and sends reports."""

import json
import subprocess
import time

from caller import LineReader
from processes import end_sessions
from text import TAIL_WIDTH, clean

PROSE_MAX = 20  # lines that are not reports, and may be the reason of a failure


class RunnerProcess:
    """Starts a runner. Its stdin is its lifeline: when that ends, it stops what it runs."""

    def __init__(self, command, environment, caller):
        self.caller, self.prose = caller, []
        self.has_started, self.is_over, self.on_report = False, False, None
        self.child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        self.lines = LineReader(self.child.stderr.fileno(), self.take)

    def carry_out(self, request, on_report, seconds=None, is_enough=lambda: False):
        """Pass a request on, and call back with its reports: (kind, fields).

        Return whether the runner has carried it out before it exited, the seconds were over,
        or its reports were enough.
        """
        self.has_started, self.is_over, self.on_report = False, False, on_report
        try:
            self.child.stdin.write(json.dumps(request).encode() + b"\n")
            self.child.stdin.flush()
            self.caller.read_lines(self.lines, seconds, lambda: self.is_over or is_enough())
        except BrokenPipeError:
            self.lines.read()
        return self.is_over

    def take(self, line):
        """Read a line of the runner, which may be a report."""
        try:
            report = json.loads(line) if line.startswith('{"report"') else {}
            kind = report.pop("report", None)
        except (ValueError, AttributeError):
            kind = None
        if kind is None:
            self.prose = (self.prose + [clean(line)[:TAIL_WIDTH]])[-PROSE_MAX:]
        elif kind == "started":
            self.has_started = True
        elif kind == "over":
            self.is_over = True
        else:
            self.on_report(kind, report)

    def end(self, patience):
        """End the runner, and kill it if it has not exited within so many seconds."""
        try:
            self.child.stdin.close()
        except OSError:
            pass
        deadline = time.monotonic() + patience
        while self.child.poll() is None and time.monotonic() < deadline:
            self.lines.read()
            time.sleep(0.02)
        if self.child.poll() is None:
            end_sessions({self.child.pid})
        self.lines.read()
