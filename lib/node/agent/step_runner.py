"""Runs the steps of a request, one after another, as the cluster's user."""

import errno
import os
import subprocess
import sys
import time

from caller import Gone, LineReader, is_among
from disk_full import why_step_full
from files import is_directory, read_small, replace_file
from logs import Output
from masking import mask
from place import Place
from processes import STEP, end_earlier, end_sessions
from text import TAIL_WIDTH, clean, exit_code

POLL_S = 0.2  # seconds between two reads of the output of a step


class StepRunner:
    """Runs steps up to the first that fails, and reports the end of each."""

    def __init__(self, runner, site, is_teardown):
        self.reports, self.caller, self.nonce = runner.reports, runner.caller, runner.nonce
        self.site, self.is_teardown = site, is_teardown

    def run(self, steps):
        stays = end_earlier(self.site.environment)
        if stays and not self.is_teardown:
            pids = " ".join(map(str, stays))
            text = "processes of an earlier run on this node did not exit: pid " + pids
            self.report_end(steps[0]["step"], "failed", [text], exit=1)
            return
        for step in steps:
            is_ok = self.run_step(step)
            if not self.is_teardown:
                self.site.keep()
            if not is_ok:
                return

    def run_step(self, step):
        """Run one step and report its end; return whether it succeeded.

        `script`: the text for sh. `put`: instead of a script, the text for the file
        `join-command`. `gives`: the file whose text is reported after a success.
        """
        name, reason = step["step"], self.site.make_directories()
        place = Place(self.site.environment)
        status, fields, tail = "ok", {}, []
        is_gone = not os.path.lexists(place.workdir)
        if reason and self.is_teardown and is_gone and not self.was_staged():
            # Nothing was made here: without the user's directory no step has started.
            tail = [reason]
        elif reason and not self.is_teardown:
            status, fields, tail = "failed", {"exit": 1}, [reason]
        elif "put" in step:
            status, fields, tail = put_join_command(step["put"], place)
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
            full = why_step_full(self.site.environment)
            tail = tail + [text for text in (reason, full) if text and text not in tail]
        self.report_end(name, status, tail, **fields)
        return status == "ok"

    def was_staged(self):
        """Whether this node may have had a work directory; also where that is not known."""
        environment = self.site.whole
        ranks, rank = environment.get("USERNETES_STAGED"), environment.get("USERNETES_RANK", "")
        return ranks is None or not rank.isdigit() or ranks != "" and is_among(int(rank), ranks)

    def report_end(self, step, status, tail, **fields):
        self.reports.send("end", step=step, status=status, tail=tail, **fields)

    def run_script(self, step, place):
        """Run a step that is a script: (status, fields, tail)."""
        name = step["step"]
        environment = dict(self.site.environment, USERNETES_SECONDS=str(step["seconds"]))
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
        reader = LineReader(progress, lambda text: self.report_wait(step["step"], text))
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


def put_join_command(text, place):
    """Write the join command to the work directory: (status, fields, tail)."""
    path = os.path.join(place.workdir, "join-command")
    try:
        if not is_directory(place.workdir):
            raise OSError(errno.ENOTDIR, "no work directory", place.workdir)
        if not (place.is_shared() and os.path.exists(path)):
            replace_file(path, text)
    except OSError as error:
        return "failed", {"exit": 1}, [str(error)]
    return "ok", {}, []


def reserve_descriptor():
    """Reserve descriptor 3, through which a step reports what it waits for."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 3)
    if null != 3:
        os.close(null)
