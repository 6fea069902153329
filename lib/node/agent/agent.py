"""The agent as the instance owner: passes the requests of a call to runners."""

import os
import pwd
import subprocess
import sys

from caller import Caller, Reports, is_among
from environment import hostname, scope
from files import which
from join_archive import JoinArchive
from processes import RUNNER
from runner_process import RunnerProcess
from workdir_owners import find_as_each_owner


def source():
    """The source of this program: the argument after -c."""
    with open("/proc/self/cmdline", "rb") as file:
        arguments = file.read().split(b"\0")
    return arguments[arguments.index(b"-c") + 1].decode()


class Agent:
    """Carries out the requests of a call, one after another."""

    def __init__(self, nonce, userid, seconds):
        self.nonce, self.userid, self.seconds = nonce, userid, seconds
        self.reports, self.caller = Reports(nonce), Caller()
        self.source, self.runner = source(), None

    def main(self):
        os.umask(0o077)
        # This comes before the request for its rank, which takes long on a busy node.
        self.reports.send("here")
        self.rank, self.hostname = self.find_rank(), hostname()
        try:
            request = self.caller.next()
            while request is not None:
                if "ranks" not in request or is_among(self.rank, request["ranks"]):
                    self.handle(request)
                request = self.caller.next()
        finally:
            self.end_runner()

    def find_rank(self):
        """The rank of this node."""
        try:
            text = subprocess.check_output(
                ["flux", "getattr", "rank"],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=20,
            )
            return int(text)
        except (OSError, ValueError, subprocess.SubprocessError):
            text = "flux getattr rank failed on this node; check its broker"
            self.reports.send("refused", text=text)
            raise SystemExit(0)

    def handle(self, request):
        request["env"].update(USERNETES_RANK=str(self.rank), USERNETES_HERE=self.hostname)
        if os.environ.get("FLUX_URI"):
            request["env"]["FLUX_URI"] = os.environ["FLUX_URI"]
        if request["do"] == "find":
            find_as_each_owner(self, request)
            return
        archive = JoinArchive(request["private"]) if "private" in request else None
        if archive and request["teardown"]:
            archive.remove_copies()
        reason = self.why_not()
        if archive and not reason:
            reason = archive.extract(request["steps"], self.caller)
        if reason:
            self.reports.send("refused", text=reason)
        else:
            self.pass_to_runner(request)

    def pass_to_runner(self, request):
        """Pass a request to the runner of this call, which its first request starts."""
        is_first = self.runner is None
        if is_first:
            self.runner = self.start_runner(self.userid, request["env"])
        runner = self.runner
        if runner.carry_out(request, self.reports.forward):
            return
        self.end_runner()
        text = runner.prose[-1] if runner.prose else ""
        if runner.has_started:
            self.reports.send("gone", text=text)
        elif is_first:
            self.reports.send("refused", text=text or "python3 did not start")
        else:
            # The kept runner has exited before it read the request: nothing of it has started.
            self.pass_to_runner(request)

    def end_runner(self):
        if self.runner:
            # It stops its step within twelve seconds.
            self.runner.end(15)
            self.runner = None

    def why_not(self):
        """Why the user's steps cannot run here; "" if they can."""
        if self.userid is None:
            return ""
        path = os.environ.get("PATH", "")
        if not which("sudo", path):
            return (
                "sudo is not installed on this node, or not on the PATH %s"
                ' (usernetes.run-as is "sudo")' % path
            )
        try:
            pwd.getpwuid(self.userid)
        except KeyError:
            return "uid %d has no account on this node" % self.userid
        return ""

    def start_runner(self, userid, environment):
        """Start a runner as a user; None is the instance owner."""
        run = [sys.executable, "-I", "-S", "-c", self.source, RUNNER, self.nonce]
        if userid is None:
            return RunnerProcess(scope(environment) + run, environment, self.caller)
        # The form that etc/sudoers.d/usernetes allows. sudo(8) passes no variable by itself.
        limit = ["setpriv", "--pdeathsig", "TERM", "timeout", "-k", "5", str(self.seconds)]
        settings = ["%s=%s" % setting for setting in sorted(environment.items())]
        command = ["sudo", "-n", "-u", "#%d" % userid] + limit + ["env", "-i"] + settings
        return RunnerProcess(command + run, dict(os.environ), self.caller)
