"""Runs steps on this node through a runner of the agent, and prints their progress."""

import json
import os
import subprocess
import sys
import time

from environment import scope
from masking import mask
from processes import RUNNER, end_sessions, find_earlier
from text import clean

HERE = os.path.dirname(os.path.realpath(__file__))
SCRIPTS, AGENT = os.path.join(HERE, "steps"), os.path.join(HERE, "agent")

# Seconds that a step may take, as in lib/cluster/steps.ts; the others have the default of
# usernetes.bring-up-timeout, and down-v that of usernetes.teardown-timeout.
LIMITS = {
    "stage": 120,
    "kubeadm-init": 600,
    "kubeconfig": 60,
    "join-command": 60,
    "kubeadm-join": 180,
    "sync-external-ip": 120,
    "install-flannel": 300,
    "down-v": 300,
}
BRING_UP_S = 900


def read_script(name):
    with open(os.path.join(SCRIPTS, name), encoding="utf-8") as file:
        return file.read()


def script_of(step, *more):
    """The script of a step: the parts that its first line names, `more` parts, and its file."""
    text = read_script(step + ".sh")
    _, has_parts, names = text.split("\n", 1)[0].partition("# parts: ")
    names = names.split(" ") if has_parts else []
    return "".join(read_script("parts/%s.sh" % name) for name in [*names, *more]) + text


def request_of(step):
    """The request of a step for a runner; `up` first checks what a person has changed."""
    script = script_of(step, *["removed-by-hand"] if step == "up" else [])
    request = {"step": step, "seconds": LIMITS.get(step, BRING_UP_S), "script": script}
    # Without a join command at its end, the step has failed.
    return dict(request, gives=step) if step == "join-command" else request


class Screen:
    """Prints progress and errors on stderr."""

    def __init__(self, is_quiet=False, is_debug=False):
        self.is_quiet, self.is_debug = is_quiet, is_debug

    def progress(self, text):
        if not self.is_quiet:
            self.error(text)

    def detail(self, text):
        if self.is_debug:
            self.progress(text)

    def error(self, text):
        self.write("usernetes: " + text)

    def write(self, line):
        line = mask(clean(line)).replace("\n", " ") + "\n"
        try:
            os.write(2, line.encode("utf-8", "surrogateescape"))
        except OSError:
            # stderr is closed; the cluster is still wanted.
            pass


class Progress:
    """Prints the progress of the steps of one call, from the reports of their runner."""

    def __init__(self, screen, host, node):
        self.screen, self.host, self.node = screen, host, node
        self.has_failed, self.is_over, self.since = False, False, time.monotonic()

    def take(self, line):
        try:
            report = json.loads(line) if line.startswith('{"report"') else {}
        except ValueError:
            report = {}
        kind = report.get("report")
        if kind is None:
            self.screen.error(line)
        elif kind == "progress":
            self.screen.progress("%s: waiting for %s" % (report["step"], report["text"]))
        elif kind == "end":
            self.end(**report)
        elif kind == "over":
            self.is_over = True

    def end(self, step, status, tail, exit=1, **_):
        took, self.since = time.monotonic() - self.since, time.monotonic()
        log = os.path.join(self.node, step + ".log")
        if status == "ok":
            self.screen.progress("%s: %s: ok in %.1f s" % (step, self.host, took))
            self.screen.detail("%s: its log is %s" % (step, log))
            return
        self.has_failed, why = True, "exit %d" % exit
        if status == "timeout":
            why = "timed out after %d s" % LIMITS.get(step, BRING_UP_S)
        if os.path.isfile(log):
            why += "; full log: " + log
        for text in tail:
            self.screen.write("  " + text)
        self.screen.error("%s: %s: failed: %s" % (step, self.host, why))


def run_steps(steps, environment, progress):
    """Run steps one after another, up to the first that fails; return whether all succeeded."""
    request = {"do": "steps", "env": environment, "steps": [request_of(step) for step in steps]}
    request["teardown"] = "down-v" in steps
    run = [sys.executable, "-B", "-I", "-S", AGENT, RUNNER, os.urandom(9).hex()]
    child = subprocess.Popen(
        scope(environment) + run,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        cwd="/",
        # The signals of a terminal are for this process, which ends the runner properly.
        start_new_session=True,
    )
    try:
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
            child.stdin.flush()
        except BrokenPipeError:
            # Its last lines give the reason.
            pass
        for line in child.stderr:
            progress.take(line.decode("utf-8", "replace").rstrip("\n"))
            if progress.is_over:
                break
    finally:
        end_runner(child)
    if not progress.is_over:
        # A runner that was killed leaves its step behind.
        end_sessions({session for _, _, session in find_earlier(environment)})
        if not progress.has_failed:
            progress.screen.error("%s: the step runner was killed" % progress.host)
    return progress.is_over and not progress.has_failed


def end_runner(child):
    """End a runner: when its lifeline ends, it stops its step, within twelve seconds."""
    try:
        child.stdin.close()
    except OSError:
        pass
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        end_sessions({child.pid})
