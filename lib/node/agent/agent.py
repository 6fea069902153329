"""The agent as the instance owner: takes the requests of a call, starts a runner for each."""

import json
import os
import pwd
import re
import subprocess
import sys
import time

from caller import Caller, Gone, ProgressReader, Reports, is_among
from disk_full import why_full
from environment import hostname, parse_variables, scope
from files import (
    is_directory,
    is_own_directory,
    list_directory,
    read_small,
    remove_tree,
    temporary_directory,
    which,
)
from processes import RUNNER, end_sessions
from text import TAIL_WIDTH, clean, last_line

SEARCH_S = 15  # seconds for the search for work directories as one user
SEARCH_MAX = 64  # directories of one user that are reported


def source():
    """The source of this program: the argument after -c."""
    with open("/proc/self/cmdline", "rb") as file:
        arguments = file.read().split(b"\0")
    return arguments[arguments.index(b"-c") + 1].decode()


class Agent:
    """Carries out the requests of a call, one after another, each with a runner."""

    def __init__(self, nonce, userid, seconds):
        self.nonce, self.userid, self.seconds = nonce, userid, seconds
        self.reports, self.caller = Reports(nonce), Caller()
        self.source, self.runners = source(), 0

    def main(self):
        os.umask(0o077)
        # This comes before the request for its rank, which takes long on a busy node.
        self.reports.send("here")
        self.rank, self.hostname = self.find_rank(), hostname()
        request = self.caller.next()
        while request is not None:
            if "ranks" not in request or is_among(self.rank, request["ranks"]):
                self.handle(request)
            request = self.caller.next()

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
            self.find(request)
            return
        if request.get("teardown"):
            remove_private(request["private"])
        reason = self.why_not()
        if request["do"] == "steps" and not reason:
            reason = self.extract(request)
        if reason:
            self.reports.send("refused", text=reason)
            return
        seen, prose = [], []
        self.run(request, self.userid, self.pass_on(seen, prose))
        if "started" not in seen:
            self.reports.send("refused", text=prose[-1] if prose else "python3 did not start")
        elif "over" not in seen:
            self.reports.send("gone", text=prose[-1] if prose else "")

    def pass_on(self, seen, prose):
        """Reads the lines of a runner: adds the nonce to its reports, and passes them on."""

        def take(line):
            try:
                report = json.loads(line) if line.startswith('{"report"') else {}
                kind = report.pop("report", None)
            except (ValueError, AttributeError):
                kind = None
            if kind is None:
                prose.append(clean(line)[:TAIL_WIDTH])
                del prose[:-20]
                return
            seen.append(kind)
            del seen[1:-1]
            if kind not in ("started", "over"):
                self.reports.forward(kind, report)

        return take

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

    def run(self, request, userid, on_line, seconds=None, is_enough=lambda: False):
        """Carry out a request as a user, until it ends, is enough, or its time is over."""
        environment = request["env"]
        child = subprocess.Popen(
            self.command(userid, environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(os.environ) if userid is not None else environment,
            cwd="/",
            start_new_session=True,
        )
        lines = ProgressReader(child.stderr.fileno(), on_line)
        deadline = time.monotonic() + seconds if seconds else None
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
            while True:
                left = deadline - time.monotonic() if deadline else None
                if left is not None and left <= 0:
                    break
                if child.stderr.fileno() in self.caller.wait(left, [child.stderr.fileno()]):
                    if not lines.read() or is_enough():
                        break
        except BrokenPipeError:
            pass
        finally:
            # A runner whose lifeline ends stops its step, within twelve seconds.
            self.end(child, lines, 1 if seconds else 15)

    def end(self, child, lines, patience):
        """End a runner, and kill it if it has not exited within so many seconds."""
        try:
            child.stdin.close()
        except OSError:
            pass
        deadline = time.monotonic() + patience
        while child.poll() is None and time.monotonic() < deadline:
            lines.read()
            time.sleep(0.02)
        if child.poll() is None:
            end_sessions({child.pid})
        lines.read()

    def command(self, userid, environment):
        # Each has a nonce of its own: a runner ends the processes of earlier ones.
        self.runners += 1
        nonce = "%s.%d" % (self.nonce, self.runners)
        run = [sys.executable, "-I", "-S", "-c", self.source, RUNNER, nonce]
        if userid is not None:
            # The form that etc/sudoers.d/usernetes allows. sudo(8) passes no variable by itself.
            limit = ["setpriv", "--pdeathsig", "TERM", "timeout", "-k", "5", str(self.seconds)]
            settings = ["%s=%s" % setting for setting in sorted(environment.items())]
            return ["sudo", "-n", "-u", "#%d" % userid] + limit + ["env", "-i"] + settings + run
        return scope(environment) + run

    def extract(self, request):
        """Extract the join commands from their archives for the steps that need one.

        Only the owner may read an archive. A copy is in a private directory for a moment, and
        is removed before anything runs as the user. Returns an error text, or "".
        """
        for step in request["steps"]:
            if "archive" not in step:
                continue
            directory = private_path(request["private"]) + "." + os.urandom(8).hex()
            try:
                os.mkdir(directory, 0o700)
            except OSError as error:
                return why_full(temporary_directory(), "TMPDIR") or str(error)
            try:
                reason = self.extract_to(step["archive"], directory)
                if reason:
                    return reason
                step["put"] = read_small(os.path.join(directory, "join-command"), 65536)
                if not step["put"].strip():
                    return "the archive %s has no join-command" % step["archive"]
            finally:
                remove_tree(directory)
        return ""

    def extract_to(self, archive, directory):
        command = ["flux", "archive", "extract", "--name", archive, "-C", directory]
        child = subprocess.Popen(
            # The KVS of this rank may see the archive later than the daemon's rank does.
            command + ["--waitcreate=10s"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        printed, deadline = [], time.monotonic() + 50
        lines = ProgressReader(child.stdout.fileno(), printed.append)
        try:
            while time.monotonic() < deadline:
                left = deadline - time.monotonic()
                if child.stdout.fileno() in self.caller.wait(left, [child.stdout.fileno()]):
                    if not lines.read():
                        break
        except Gone:
            child.kill()
            raise
        if time.monotonic() >= deadline:
            child.kill()
            return "flux archive extract timed out after 50 s"
        if child.wait() == 0:
            return ""
        return why_full(temporary_directory(), "TMPDIR") or last_line("\n".join(printed))

    def find(self, request):
        """Search for work directories as the owner and, with `others`, as each user who has one.

        Only its owner can read a directory, and such a user's process may print anything.
        Therefore the owner of a directory is taken from the file system alone.
        """
        base, me = request["base"], os.getuid()
        uids = {me}
        for name in list_directory(base) if request["others"] else []:
            path = os.path.join(base, name)
            if name.startswith("usernetes-") and is_directory(path):
                uids.add(os.lstat(path).st_uid)
        for uid in sorted(uids - {0} | {me}):
            found, seen = [], []

            def take(line, found=found, seen=seen):
                try:
                    report = json.loads(line)
                    seen.append(report["report"])
                    if report["report"] == "found" and len(found) <= SEARCH_MAX:
                        jobid, engine = str(report["jobid"]), str(report["engine"])
                        site = parse_variables(json.dumps(report.get("site")))
                        if re.match(r"[0-9]{1,20}$", jobid):
                            found.append((jobid, engine, site))
                    del seen[1:-1]
                except (ValueError, KeyError, TypeError):
                    pass

            def is_enough(found=found):
                return len(found) > SEARCH_MAX

            as_user = None if uid == me else uid
            self.run(request, as_user, take, seconds=SEARCH_S, is_enough=is_enough)
            for jobid, engine, site in found[:SEARCH_MAX]:
                known = engine if engine in ("docker", "podman", "nerdctl") else ""
                self.reports.send("found", userid=uid, jobid=jobid, engine=known, site=site)
            if seen[-1:] != ["over"]:
                self.reports.send("unseen", userid=uid)
        self.reports.send("searched", host=self.hostname)


def private_path(name):
    return os.path.join(temporary_directory(), name)


def remove_private(name):
    """Remove the owner's copies of a join command that a killed agent left behind."""
    for entry in list_directory(temporary_directory()):
        path = private_path(entry)
        if entry.startswith(name + ".") and is_own_directory(path):
            remove_tree(path)
