"""Processes on this node: which belong together, and how they are ended."""

import os
import signal
import time

AGENT, RUNNER, STEP = "usernetes-agent", "usernetes-runner", "usernetes-step"


def processes():
    """(pid, parent, session) of every visible process."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    fields = file.read().rpartition(b") ")[2].split()
            except OSError:
                continue
            if fields and fields[0] != b"Z":
                found.append((int(name), int(fields[1]), int(fields[3])))
    return found


def arguments_of(pid):
    return command_line(pid).decode("utf-8", "replace").split("\0")


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read()
    except OSError:
        return b""


def environment_of(pid):
    try:
        with open("/proc/%d/environ" % pid, "rb") as file:
            return set(file.read().split(b"\0"))
    except OSError:
        return set()


def descendants(leaders):
    """The processes of these sessions and all their children, also those in other sessions."""
    found, all_ = set(leaders), processes()
    more = {pid for pid, _, session in all_ if session in found or pid in found}
    while more:
        found |= more
        more = {pid for pid, parent, _ in all_ if parent in found and pid not in found}
    return found & {pid for pid, _, _ in all_}


def kind_of(pid):
    """`make`: podman that makes or removes something; `client`: of an engine; or `other`."""
    arguments = arguments_of(pid)
    name = os.path.basename(arguments[0]) if arguments else ""
    if name == "podman" and (arguments + [""])[1] not in ("exec", "build", "pull"):
        return "make"
    return "client" if name in ("podman", "docker", "nerdctl", "crun", "runc") else "other"


def kill(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except OSError:
            pass


def end_sessions(leaders):
    """End these sessions with all their descendants.

    podman may first finish what it makes or removes: after SIGTERM it stops halfway, and
    leaves a bridge and addresses that it has forgotten. It gets SIGTERM after eight seconds,
    and SIGKILL after ten.
    """
    began, signaled, leaders = time.monotonic(), set(), set(leaders)
    while True:
        pids = descendants(leaders)
        makers = {pid for pid in pids if kind_of(pid) == "make"}
        clients = {pid for pid in pids if kind_of(pid) == "client"}
        past = time.monotonic() - began
        spared = children_of(makers) if past < 8 else set()
        kill(pids - spared - signaled, signal.SIGTERM)
        signaled |= pids - spared
        # A child that has lost its parent is found by its session.
        leaders |= {session for pid, _, session in processes() if pid in pids - spared}
        if not (makers or clients) or past >= 10:
            break
        time.sleep(0.1)
    # The next round finds a process that was just being forked.
    for _ in range(20):
        pids = descendants(leaders)
        if not pids:
            return
        kill(pids, signal.SIGKILL)
        time.sleep(0.05)


def children_of(pids):
    """These processes and all their descendants."""
    found, all_ = set(pids), processes()
    while True:
        more = {pid for pid, parent, _ in all_ if parent in found} - found
        if not more:
            return found
        found |= more


def find_earlier(environment):
    """(pid, role, session) of processes that earlier runners of the same cluster left behind.

    It searches /proc, because a pid in a file may belong to another process by now. Only
    runners and the shells of steps count: they have the nonce of their call among their
    arguments. Containers that an engine has started stay. Brokers that share a host each
    have their own FLUX_URI. Only the session of the caller itself stays.
    """
    found, wanted = [], {
        os.fsencode("%s=%s" % (name, environment[name]))
        for name in ("USERNETES_MARKER", "USERNETES_WORKDIR", "FLUX_URI")
        if environment.get(name)
    }
    # By hand there is no marker.
    if not environment.get("USERNETES_WORKDIR"):
        return found
    own = os.getsid(0)
    for pid, arguments in candidates():
        for role in (RUNNER, STEP):
            if role in arguments[1:]:
                session = session_of(pid)
                if session not in (None, own) and wanted <= environment_of(pid):
                    found.append((pid, role, session))
    return found


def candidates():
    """(pid, arguments) of the processes that may be runners or the shells of steps.

    A node has many other processes: only their command lines are read.
    """
    names = [name for name in os.listdir("/proc") if name.isdigit()]
    lines = ((int(name), command_line(int(name))) for name in names)
    return [
        (pid, line.decode("utf-8", "replace").split("\0"))
        for pid, line in lines
        if RUNNER.encode() in line or STEP.encode() in line
    ]


def session_of(pid):
    """The session of a process; None when it is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return None


def end_earlier(environment):
    """End the processes of earlier runners of this cluster; return the pids that stay."""
    found = find_earlier(environment)
    if not found:
        return []
    runners = {pid for pid, role, _ in found if role == RUNNER}
    # A runner ends its own step properly.
    kill(runners, signal.SIGTERM)
    deadline = time.monotonic() + 12
    while runners & {pid for pid, _, _ in processes()} and time.monotonic() < deadline:
        time.sleep(0.05)
    found = find_earlier(environment)
    if found:
        end_sessions({session for _, _, session in found})
        found = find_earlier(environment)
    return sorted(pid for pid, _, _ in found)
