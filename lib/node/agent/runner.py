"""The runner: carries out one request as the cluster's user."""

import errno
import json
import os
import re
import subprocess
import sys
import time

from caller import Caller, Gone, ProgressReader, Reports, is_among
from disk_full import why_step_full
from environment import OWN_DIRECTORIES, node_environment, parse_variables
from files import (
    is_directory,
    is_own_directory,
    is_socket,
    list_directory,
    read_small,
    replace_file,
)
from logs import LogReader, Output
from masking import mask
from own_directory import make_own_directory
from place import SITE, SITE_MAX, Place, node_directory, owner_of
from processes import STEP, end_earlier, end_sessions
from text import TAIL_WIDTH, clean, exit_code

REPORT_MAX = 24 << 10  # bytes of text in one report
POLL_S = 0.2


class Runner:
    """Carries out one request as the user that it runs as."""

    def __init__(self, nonce):
        reserve_descriptor()
        self.nonce = nonce
        self.reports, self.caller = Reports(), Caller()

    def main(self):
        os.umask(0o077)
        self.reports.send("started")
        request = self.caller.next()
        self.site = request.get("site", {})
        self.whole = node_environment(request["env"], self.site)
        self.environment = dict(self.whole)
        actions = {
            "steps": self.run_steps,
            "logs": self.read_logs,
            "find": self.find_workdirs,
            "checks": self.run_checks,
        }
        actions[request["do"]](request)

    # Steps.

    def run_steps(self, request):
        steps, self.is_teardown = request["steps"], request.get("teardown", False)
        stays = end_earlier(self.environment, self.nonce)
        if stays and not self.is_teardown:
            pids = " ".join(map(str, stays))
            text = "processes of an earlier run on this node did not exit: pid " + pids
            self.report_end(steps[0]["step"], "failed", [text], exit=1)
            return
        for step in steps:
            is_ok = self.run_step(step)
            if not self.is_teardown:
                self.keep_site()
            if not is_ok:
                return

    def keep_site(self):
        """Keep the site's variables in a work directory of this cluster, for its teardown.

        The daemon has them in the cluster's entry; a daemon that has lost the entry asks for
        them here (find_workdirs). Nodes that share the directory write the same.
        """
        place = Place(self.environment)
        marker = self.environment.get("USERNETES_MARKER", "").split()
        if not self.site or not marker or owner_of(place.workdir) != marker or not place.is_real():
            return
        path, text = os.path.join(place.state, SITE), json.dumps(self.site, sort_keys=True)
        if read_small(path, SITE_MAX) == text:
            return
        try:
            replace_file("%s.%s" % (path, place.member), text)
            os.rename("%s.%s" % (path, place.member), path)
        except OSError:
            # Without it, a teardown uses the variables of its moment.
            pass

    def make_directories(self):
        """Make the user's directories that the site's variables name; return an error text or "".

        A directory in the work directory is made only when that has this cluster's marker:
        `stage` checks the owner and writes the marker. Until then its variable is not set.
        """
        workdir = self.whole.get("USERNETES_WORKDIR", "")
        self.environment = dict(self.whole)
        for name in sorted(OWN_DIRECTORIES & set(self.site)):
            path = self.whole[name]
            marker = self.whole.get("USERNETES_MARKER", "").split()
            is_ready = is_directory(workdir) and owner_of(workdir) == marker
            if workdir and path.startswith(workdir + "/") and not is_ready:
                del self.environment[name]
                continue
            reason = make_own_directory(path, name == "TMPDIR")
            if reason:
                return "%s (usernetes.environment): %s" % (name, reason)
        # A step, or a hook, may have started the engine.
        runtime = self.environment.get("XDG_RUNTIME_DIR", "/run/user/%d" % os.getuid())
        if is_socket(runtime + "/docker.sock"):
            self.environment.setdefault("DOCKER_HOST", "unix://%s/docker.sock" % runtime)
        return ""

    def run_step(self, step):
        """Run one step and report its end; return whether it succeeded.

        `script`: the text for sh. `put`: instead of a script, the text for the file
        `join-command`. `gives`: the file whose text is reported after a success.
        """
        name, reason = step["step"], self.make_directories()
        place = Place(self.environment)
        status, fields, tail = "ok", {}, []
        is_gone = not os.path.lexists(place.workdir)
        if reason and self.is_teardown and is_gone and not self.was_staged():
            # Nothing was made here: without the user's directory no step has started.
            tail = [reason]
        elif reason and not self.is_teardown:
            status, fields, tail = "failed", {"exit": 1}, [reason]
        elif "put" in step:
            try:
                if not is_directory(place.workdir):
                    raise OSError(errno.ENOTDIR, "no work directory", place.workdir)
                if not (place.is_shared() and os.path.exists(place.workdir + "/join-command")):
                    replace_file(place.workdir + "/join-command", step["put"])
            except OSError as error:
                status, fields, tail = "failed", {"exit": 1}, [str(error)]
        else:
            status, fields, tail = self.run_script(step, place)
        if status == "ok" and "gives" in step:
            text = read_small(os.path.join(place.workdir, step["gives"]), 65536)
            if text.strip():
                self.reports.send("result", step=name, text=text)
            else:
                status, fields, tail = "failed", {"exit": 1}, tail + ["it produced no output"]
        if status == "ok" and place.is_shared():
            fields["shared"] = True
        if status != "ok":
            full = why_step_full(self.environment)
            tail = tail + [text for text in (reason, full) if text and text not in tail]
        self.report_end(name, status, tail, **fields)
        return status == "ok"

    def was_staged(self):
        """Whether this node may have had a work directory; also where that is not known."""
        ranks, rank = self.whole.get("USERNETES_STAGED"), self.whole.get("USERNETES_RANK", "")
        return ranks is None or not rank.isdigit() or ranks != "" and is_among(int(rank), ranks)

    def report_end(self, step, status, tail, **fields):
        self.reports.send("end", step=step, status=status, tail=tail, **fields)

    def run_script(self, step, place):
        """Run a step that is a script: (status, fields, tail)."""
        name = step["step"]
        environment = dict(self.environment, USERNETES_SECONDS=str(step["seconds"]))
        try:
            output = Output(place, name, environment, not self.is_teardown)
        except OSError as error:
            # A teardown frees space: it runs even if its output cannot be kept.
            if not self.is_teardown:
                return "failed", {"exit": 1}, ["no temporary file can be made: %s" % error]
            output = None
        progress, write = os.pipe()
        os.dup2(write, 3)
        os.close(write)
        to = output.fd if output else subprocess.DEVNULL
        run = [sys.executable, "-I", "-S"] if step.get("python") else ["sh"]
        run += ["-c", step["script"], STEP, self.nonce, name] + step.get("args", [])
        try:
            child = subprocess.Popen(
                run,
                stdin=subprocess.DEVNULL,
                stdout=to,
                stderr=to,
                env=environment,
                cwd="/",
                pass_fds=(3,),
                start_new_session=True,
            )
        except OSError as error:
            os.close(progress)
            if output:
                output.end("")
            text = "%s does not start: %s; the PATH is %s"
            return "failed", {"exit": 1}, [text % (run[0], error, environment.get("PATH"))]
        finally:
            reserve_descriptor()
        try:
            status, fields = self.watch(child, step, output, progress)
        except Gone:
            end_sessions({child.pid})
            raise
        finally:
            os.close(progress)
            if output:
                code = child.poll()
                mark = "-- exit %d --" % exit_code(-9 if code is None else code)
                output.end("" if code == 0 else mark)
        return status, fields, output.tail(status) if output else []

    def watch(self, child, step, output, progress):
        """Wait for the end of a step: (status, fields of its report)."""
        deadline, waits = time.monotonic() + step["seconds"], [progress]
        reader = ProgressReader(progress, lambda text: self.report_wait(step["step"], text))
        while child.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                end_sessions({child.pid})
                child.poll()
                return "timeout", {}
            if progress in self.caller.wait(min(POLL_S, left), waits) and not reader.read():
                waits = []
            if output:
                output.pump()
        reader.read()
        code = exit_code(child.returncode)
        return ("ok", {}) if code == 0 else ("failed", {"exit": code})

    def report_wait(self, step, text):
        self.reports.send("progress", step=step, text=mask(clean(text))[:TAIL_WIDTH])

    # Logs.

    def read_logs(self, request):
        """Report the logs of steps; with `follow`, until the caller ends the request."""
        place, jobid = Place(self.environment), request["jobid"]
        readers = [LogReader(place, step) for step in request["steps"]]
        found, is_last = False, not request["follow"]
        while True:
            if place.is_real() and owner_of(place.workdir)[:1] == [jobid]:
                found = True
                for reader in readers:
                    self.send_log(reader, request["bytes"], is_last)
            if is_last:
                break
            try:
                self.caller.wait(POLL_S)
            except Gone:
                is_last = True
        self.reports.send("logs", found=found)

    def send_log(self, reader, limit, at_end):
        text, is_cut = reader.read(limit, at_end)
        if is_cut:
            self.reports.send("cut", step=reader.step)
        while text:
            part, text = text[:REPORT_MAX], text[REPORT_MAX:]
            if text and b"\n" in part:
                whole, _, half = part.rpartition(b"\n")
                part, text = whole + b"\n", half + text
            self.reports.send("log", step=reader.step, text=part.decode("utf-8", "replace"))

    # Work directories.

    def find_workdirs(self, request):
        """Report the work directories of an instance that this user has.

        It only reads. A directory counts by its marker, and only if this user owns it, since
        anybody may make a directory of that name. A directory that nodes share counts on the
        nodes that have a directory of their own in it.
        """
        base, instance = request["base"], request["instance"]
        for name in sorted(list_directory(base)):
            workdir = os.path.join(base, name)
            if not name.startswith("usernetes-") or not is_own_directory(workdir):
                continue
            owner = owner_of(workdir)
            if len(owner) < 2 or owner[1] != instance:
                continue
            state = os.path.join(workdir, ".usernetes")
            rank, here = (self.environment["USERNETES_" + name] for name in ("RANK", "HERE"))
            node = node_directory(state, rank, here)
            if not is_directory(node) and list_directory(os.path.dirname(node)):
                continue
            engine = read_small(os.path.join(state, "engine"), 64).strip()
            site = parse_variables(read_small(os.path.join(state, SITE), SITE_MAX))
            self.reports.send("found", jobid=owner[0], engine=engine, site=site)

    # Checks.

    def run_checks(self, request):
        """Run a script that prints `ID ok|no TEXT` for each check."""
        reason = self.make_directories()
        if self.site:
            self.reports.send("check", id="environment", ok=not reason, text=reason)
        child = subprocess.Popen(
            ["sh", "-c", request["script"], STEP, self.nonce, "checks"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environment,
            cwd="/",
            start_new_session=True,
        )
        deadline, lines = time.monotonic() + request["seconds"], ProgressReader(
            child.stdout.fileno(), self.report_check
        )
        try:
            while time.monotonic() < deadline:
                ready = self.caller.wait(deadline - time.monotonic(), [child.stdout.fileno()])
                if child.stdout.fileno() in ready and not lines.read():
                    break
        finally:
            end_sessions({child.pid})
        self.reports.send("checked")

    def report_check(self, line):
        match = re.match(r"(\S+) (ok|no) ?(.*)$", line)
        if match:
            name, verdict, text = match.groups()
            self.reports.send("check", id=name, ok=verdict == "ok", text=mask(clean(text))[:1500])


def reserve_descriptor():
    """Reserve descriptor 3, through which a step reports what it waits for."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 3)
    if null != 3:
        os.close(null)
