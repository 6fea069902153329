"""A runner as its agent sees it: a process that takes requests and sends reports."""

import json
import subprocess
import time

from caller import ProgressReader
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
        self.stderr = self.child.stderr.fileno()
        self.lines = ProgressReader(self.stderr, self.take)

    def is_running(self):
        return self.child.poll() is None

    def carry_out(self, request, on_report, seconds=None, is_enough=lambda: False):
        """Pass a request on, and call back with its reports: (kind, fields).

        Return whether the runner has carried it out before it exited, the seconds were over,
        or its reports were enough.
        """
        self.is_over, self.on_report = False, on_report
        deadline = time.monotonic() + seconds if seconds else None
        try:
            self.child.stdin.write(json.dumps(request).encode() + b"\n")
            self.child.stdin.flush()
            while not self.is_over and not is_enough():
                left = deadline - time.monotonic() if deadline else None
                if left is not None and left <= 0:
                    break
                if self.stderr in self.caller.wait(left, [self.stderr]) and not self.lines.read():
                    break
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
        while self.is_running() and time.monotonic() < deadline:
            self.lines.read()
            time.sleep(0.02)
        if self.is_running():
            end_sessions({self.child.pid})
        self.lines.read()
