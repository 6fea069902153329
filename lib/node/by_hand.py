"""`usernetes` by hand: brings a cluster up and down on this node, without the daemon.

Purpose
    The verbs of bin/usernetes that change a cluster. They run the daemon's steps, with the
    same scripts and the same runner (agent/runner.py).

        python3 -I -S by_hand.py [--debug] [--quiet] VERB [OPTION...]

Configuration
    The work directory is the caller's: a clone of usernetes that already exists, on this node
    or shared by all. The template's own choices apply (name, subnet and address of the node,
    compose project, ports unless PORT_* are set), so that `make -C DIR ...` acts on the same
    cluster before and after.

Failure
    Each verb is safe to repeat. A signal ends the command and everything that it has started:
    a runner ends its step when its lifeline ends. Progress and errors are lines on stderr.

Python 3.6 to 3.13, standard library only.
"""

import glob
import os
import re
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "agent")]
# Python must not write cache files beside the installed files.
sys.dont_write_bytecode = True
from disk_full import why_full  # noqa: E402
from environment import hostname  # noqa: E402
from files import (  # noqa: E402
    is_directory,
    list_directory,
    open_regular,
    read_small,
    remove_tree,
    replace_file,
    which,
)
from place import MARKER_MAX  # noqa: E402
import by_hand_settings as settings  # noqa: E402
from by_hand_options import parse  # noqa: E402
from by_hand_settings import Failure  # noqa: E402
from by_hand_steps import Progress, Screen, read_script, run_steps  # noqa: E402

POLL_S = 0.2

# -- this node -----------------------------------------------------------------------------


def output_of(*command):
    """The output of a command; None if it fails, hangs or does not exist."""
    quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return os.fsdecode(subprocess.check_output(command, timeout=10, **quiet)).strip()
    except (OSError, subprocess.SubprocessError):
        return None


def call_script(call, directory=""):
    """Run functions of the steps' own scripts, which define the rules: (status, output)."""
    text = read_script("parts/template.sh") + read_script("parts/address.sh") + call
    command = ["sh", "-c", text, "usernetes", directory]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    printed = child.communicate()[0]
    return child.returncode, os.fsdecode(printed).strip()


def has_compose_file(directory):
    return call_script('find_compose_file "$1"', directory)[0] == 0


def remove(path):
    """Remove a file, a link, or a directory with its contents."""
    if is_directory(path):
        remove_tree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def remove_empty(directory):
    try:
        os.rmdir(directory)
    except OSError:
        pass


def touch(path):
    os.close(open_regular(path, os.O_WRONLY | os.O_CREAT))


def put_file(path, text):
    """Write a private file atomically."""
    replace_file(path + ".new", text)
    os.rename(path + ".new", path)


def default_workdir():
    """The work directory of the current job of Flux or Slurm, by its name."""
    jobid = os.environ.get("FLUX_JOB_ID") or output_of("flux", "getattr", "jobid")
    jobid = jobid or os.environ.get("SLURM_JOB_ID")
    if not jobid:
        raise Failure(1, "this is not inside a job: name the work directory with --workdir DIR")
    return settings.job_directory(jobid, os.environ)


def real_directory(given):
    """A work directory as make and compose see it."""
    workdir, hint = os.path.join(os.getcwd(), given), "; give a clone of usernetes as --workdir DIR"
    workdir = workdir.rstrip("/") or "/"
    if os.path.isdir(workdir):
        workdir = os.path.realpath(workdir)
        if not os.access(workdir, os.X_OK):
            raise Failure(1, "%s cannot be entered", workdir)
    elif os.path.lexists(workdir):
        raise Failure(1, "%s is not a directory" + hint, workdir)
    if workdir in ("/", os.environ.get("HOME")):
        raise Failure(1, "%s cannot be the work directory of a cluster" + hint, workdir)
    return workdir


def find_template(workdir):
    """The caller's template, or that of Flux.

    A batch job's own instance has no configuration of usernetes; its parent may have one.
    """
    flux, template = ["flux"], os.environ.get("USERNETES_TEMPLATE")
    while not template and output_of(*flux, "getattr", "rank") is not None:
        template = output_of(*flux, "config", "get", "--type=string", "usernetes.template")
        if output_of(*flux, "getattr", "parent-uri") is None:
            break
        flux.append("--parent")
    if template:
        return template
    what = "docker-compose.yaml does not exist in %s"
    if not os.path.isdir(workdir):
        what = "the work directory %s does not exist"
    hint = ": clone usernetes there, or set USERNETES_TEMPLATE to a clone to copy"
    raise Failure(1, what + hint, workdir)


class Cluster:
    """The part of a work directory's cluster that is on this node."""

    def __init__(self, verb, options, screen):
        self.options, self.screen, self.is_lead = options, screen, verb == "start-control-plane"
        self.workers = options.get("--worker-count", 0)
        self.host = hostname()
        self.workdir = real_directory(options.get("--workdir") or default_workdir())
        self.project = settings.project_of(self.workdir, os.environ)
        self.state = self.path(".usernetes")
        self.node = os.path.join(self.state, "nodes", self.host)
        self.cache = self.path("worker-ready-cache")
        self.marker = "0 by-hand:" + self.workdir
        self.refuse_foreign()

    def path(self, name):
        return os.path.join(self.workdir, name)

    def own(self, name):
        """The path of a file that belongs to this node."""
        return os.path.join(self.node, name)

    def refuse_foreign(self):
        """Refuse a cluster that a daemon manages."""
        if os.path.islink(self.state):
            raise Failure(1, "%s is a link; remove it", self.state)
        path = os.path.join(self.state, "owner")
        owner = read_small(path, MARKER_MAX).split("\n")[0]
        if os.path.lexists(path) and owner != os.fsencode(self.marker).decode("utf-8", "replace"):
            text = "%s is managed by the flux-usernetes daemon (%s); use another --workdir DIR"
            raise Failure(1, text, self.workdir, owner.split(" ")[0])

    # Before the steps run.

    def choose_engine(self):
        """The engine of the caller, or of the bring-up, or the template's choice."""
        engine = os.environ.get("CONTAINER_ENGINE")
        engine = engine or read_small(self.own("engine")).split("\n")[0]
        detect = self.path("Makefile.d/detect-container-engine.sh")
        if not engine and os.access(detect, os.X_OK):
            engine = output_of(detect, "CONTAINER_ENGINE")
        return engine or "docker"

    def set_environment(self):
        place = {name: getattr(self, name) for name in ("workdir", "project", "marker", "host")}
        lead, engine = self.host if self.is_lead else "", self.choose_engine()
        place.update(engine=engine, lead=lead, size=self.workers + 1)
        place["serial"] = "--serial" in self.options
        self.env = settings.steps_environment(os.environ, place)
        self.screen.detail("%(workdir)s on %(host)s: %(engine)s, project %(project)s" % place)

    def prepare(self):
        """Prepare the directory, and keep the caller's settings in it, before the first step."""
        path = os.environ.get("PATH")
        if not which("make", path):
            raise Failure(1, "make is not installed on this node, or not on the PATH %s", path)
        self.set_environment()
        ports = call_script('echo "$template_ports"')[1].split()
        ports = dict(port.split("=") for port in ports + settings.port_variables(os.environ))
        text = settings.node_settings(os.environ, ports)
        full = why_full(self.workdir, "")
        if full:
            raise Failure(1, "%s", full)
        self.stage()
        self.make_directories()
        self.refuse_no_address()
        put_file(self.own("engine"), self.env["CONTAINER_ENGINE"] + "\n")
        put_file(self.own("node.env"), text)

    def stage(self):
        owner, staged = (os.path.join(self.state, name) for name in ("owner", "staged"))
        is_half = os.path.exists(owner) and not os.path.exists(staged)
        if is_half or not has_compose_file(self.workdir):
            self.env["USERNETES_TEMPLATE"] = find_template(self.workdir)
            self.need("stage")

    def make_directories(self):
        try:
            for directory in (self.node, self.cache):
                os.makedirs(directory, exist_ok=True)
            for directory in (self.state, self.node):
                os.chmod(directory, 0o700)
        except OSError:
            raise Failure(1, "cannot create %s: the work directory must belong to you", self.node)

    def refuse_no_address(self):
        """Set HOST_IP: the template would use an empty one as an address."""
        if os.environ.get("HOST_IP") or os.environ.get("U7S_HOST_IP"):
            return
        call = 'uses_address "$1" || exit 0; find_address "" || { echo "$lacks"; exit 1; }'
        status, lacks = call_script(call, self.workdir)
        if status:
            text = "the address of this node cannot be found: %s; set HOST_IP to the address that"
            raise Failure(1, text + " the cluster's nodes reach it at", lacks)

    # Steps, and waiting for workers and files.

    def take(self, *steps):
        return run_steps(steps, self.env, Progress(self.screen, self.host, self.node))

    def need(self, *steps):
        if not self.take(*steps):
            raise SystemExit(1)

    def ready_file(self):
        """The file that a worker makes when it has joined."""
        match = re.search("(?m)^NODE_NAME=(.+)$", read_small(self.own("node.env")))
        name = match.group(1) if match else "u7s-" + self.host
        return os.path.join(self.cache, name + ".ready.txt")

    def wait_for_workers(self):
        reported = None
        while True:
            count = len(glob.glob(os.path.join(glob.escape(self.cache), "*.ready.txt")))
            if count >= self.workers:
                break
            if count != reported:
                text = "waiting for workers in %s: %d of %d"
                self.screen.progress(text % (self.cache, count, self.workers))
            reported = count
            time.sleep(POLL_S)
        if self.workers:
            self.screen.progress("workers: %d of %d have joined" % (count, self.workers))

    def join_command(self):
        try:
            with open(self.path("join-command"), "rb") as file:
                return file.read(1 << 16).decode("utf-8", "replace")
        except OSError:
            return ""

    def join_command_version(self):
        """The identity of a join command: a lead that restarts may make one with the same text."""
        try:
            file = os.stat(self.path("join-command"))
            return file.st_ino, file.st_mtime_ns
        except OSError:
            return None

    def wait_for_join_command(self):
        if not settings.is_join_command(self.join_command()):
            self.screen.progress("waiting for " + self.path("join-command"))
        while not settings.is_join_command(self.join_command()):
            time.sleep(POLL_S)

    # The verbs.

    def start_control_plane(self):
        self.prepare()
        if "--serial" in self.options:
            self.need("up", "kubeadm-init", *self.network_step(), "kubeconfig", "join-command")
            touch(self.own("flannel.done"))
        else:
            self.need("up", "kubeadm-init", "kubeconfig", "join-command")
            self.finish()
        self.screen.progress("kubeconfig: " + self.path("kubeconfig"))

    def finish(self):
        self.wait_for_workers()
        # If flannel starts before a node's external address is known, it may use the wrong one.
        # With --serial the caller syncs the addresses, and flannel cannot wait for that.
        self.need("sync-external-ip", *self.network_step(), "wait-nodes", "wait-ready")
        touch(self.own("flannel.done"))

    def network_step(self):
        """The pod network is installed once, by the target of USERNETES_MAKE_NETWORK if not ""."""
        is_done = os.path.exists(self.own("flannel.done"))
        return [] if is_done or not self.env["USERNETES_MAKE_NETWORK"] else ["install-flannel"]

    def start_worker(self):
        self.prepare()
        self.need("up")
        # The join command of an earlier cluster may still exist: its lead removes it.
        if not os.path.exists(self.own("kubeadm-join.done")):
            self.wait_for_join_command()
        used = self.join_command_version()
        while not self.take("kubeadm-join"):
            # The lead may have removed an earlier cluster's join command just then.
            if used and used == self.join_command_version():
                raise SystemExit(1)
            text = "%s changed; retrying with the new join command"
            self.screen.progress(text % self.path("join-command"))
            self.wait_for_join_command()
            used = self.join_command_version()
        touch(self.ready_file())

    def wait_workers(self):
        self.set_environment()
        if not os.path.exists(self.own("kubeadm-init.done")):
            text = "%s has no control plane on %s: run usernetes start-control-plane first"
            raise Failure(1, text, self.workdir, self.host)
        self.finish()

    def down(self):
        self.set_environment()
        self.need("down-v")
        self.forget()

    def forget(self):
        """Remove the files of the verbs, and the directory if they have made it."""
        if not os.path.isdir(self.state):
            return
        remove(self.ready_file())
        if os.path.exists(self.own("kubeadm-init.started")):
            remove(self.path("kubeconfig"))
        if os.path.isdir(self.node):
            remove(self.path("join-command"))
        remove(self.node)
        remove_empty(self.cache)
        nodes = os.path.join(self.state, "nodes")
        # Other nodes may share it.
        if any(os.path.isdir(os.path.join(nodes, name)) for name in list_directory(nodes)):
            return
        # The last two nodes may do this at the same moment.
        if os.path.isfile(os.path.join(self.state, "owner")):
            remove(self.workdir)
        else:
            remove_empty(nodes)
            remove_empty(self.state)

    def clean(self):
        is_all = "--all" in self.options
        if is_all and "--keep-node" in self.options:
            text = "clean: to keep the node (--keep-node) the work directory must stay (no --all):"
            raise Failure(2, text + " the running container uses it")
        is_cluster = has_compose_file(self.workdir) or os.path.isdir(self.state)
        if os.path.isdir(self.workdir) and not is_cluster:
            text = "docker-compose.yaml does not exist in %s: not a usernetes clone; not removed"
            raise Failure(1, text, self.workdir)
        if is_all:
            self.set_environment()
            self.need("down-v")
        left = self.workdir if is_all else self.cache
        remove(left)
        if os.path.lexists(left):
            raise Failure(1, "left behind: %s", left)


# -- the command ---------------------------------------------------------------------------


class Stopped(Exception):
    """A signal has arrived."""


def catch_signals():
    """Raise Stopped on a signal; signals that the caller ignores, as nohup does, stay ignored."""
    signals = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    caught = [each for each in signals if signal.getsignal(each) != signal.SIG_IGN]

    def stop(number, _):
        for each in caught:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    for each in caught:
        signal.signal(each, stop)


def main(words):
    flags = []
    while words[0] in ("--debug", "--quiet"):
        flags.append(words.pop(0))
    verb, screen = words.pop(0), Screen("--quiet" in flags, "--debug" in flags)
    try:
        options = parse(verb, words)
        catch_signals()
        getattr(Cluster(verb, options, screen), verb.replace("-", "_"))()
        return 0
    except Failure as failure:
        screen.error(str(failure))
        return failure.status
    except Stopped as stopped:
        number = stopped.args[0]
        screen.error("%s: ended by %s" % (verb, signal.Signals(number).name))
        return 128 + number
    except OSError as error:
        screen.error("%s: %s" % (verb, error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
