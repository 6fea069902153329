"""The agent: what flux-usernetes runs on a node.

Purpose
    flux-exec(1) starts one agent on each rank of a cluster. The agent carries out the requests
    of its caller: run steps, read their logs, search for work directories, run checks. Nothing
    is installed on the nodes: this text travels with the call, as an argument of python.

        flux python -I -S -c SOURCE usernetes-agent NONCE UID SECONDS [REQUEST]...

    For each request the agent starts a runner, which is this text again:

        python3 -I -S -c SOURCE usernetes-runner NONCE

    as the user UID through sudo(8), or as the instance owner. The agent itself does what only
    the owner may do: it asks Flux for its rank, and extracts a join command from its archive.

Protocol
    The first requests are arguments, since flux-exec(1) passes its stdin on only when each rank
    has started, or Flux knows that it cannot: of a node that has just died, Flux may know that
    after minutes. Further requests come on stdin, and reports leave on stderr (flux-exec(1)
    streams stderr; it buffers stdout), one JSON object a line. Each report has the nonce of the
    call. docs/node-protocol.md lists them; lib/node/protocol.ts has their types.

Credentials
    The runner has the rights of its user, and the environment of the request. It sets the
    site's own variables itself: none of them passes through a shell. No argument and no
    variable is secret; a join command passes only through stdin and memory.

Failure
    The stdin of agent and runner is also their lifeline. When it ends without {"do": "end"},
    the caller is gone, and the agent ends everything that still runs for the request. A runner
    ends a step with all its descendants, at the deadline of the step or on SIGTERM. The next
    runner of the same cluster ends processes that survived a SIGKILL of their runner.

Python 3.6 to 3.13, standard library only.
"""

import errno
import json
import os
import pwd
import re
import select
import signal
import stat
import subprocess
import sys
import time

# shutil and tempfile are imported where they are needed: they double the time of a start.

AGENT, RUNNER, STEP = "usernetes-agent", "usernetes-runner", "usernetes-step"

LOG_MAX = 512 << 10  # bytes of a log file; there are at most two of each step
BACKLOG_MAX = 2 << 20  # bytes of new output that are read at once; more is skipped
RAW_MAX = 16 << 20  # bytes of output that has been read, on disk
LINE_MAX = 64 << 10  # bytes of a line of output
MARKER_MAX = 8 << 10  # bytes of a marker; by hand it has the path of the work directory
REPORT_MAX = 24 << 10  # bytes of text in one report
SITE = "site"  # the file with the site's variables in a cluster's work directory
SITE_MAX = 64 << 10  # bytes of it
# Variables of the site that name a directory of the user's own.
OWN_DIRECTORIES = {"XDG_RUNTIME_DIR", "TMPDIR"}
TAIL_LINES = {"ok": 4, "failed": 24}
TAIL_WIDTH = 400  # characters of a line in a report
POLL_S = 0.2
SEARCH_S = 15  # seconds for the search for work directories as one user
SEARCH_MAX = 64  # directories of one user that are reported
LEFT_OUT = b"-- some output was left out here --"


# -- text ------------------------------------------------------------------------------

# As lib/record/secrets.ts has them; a test compares the two. ASCII: a letter such as "é" beside
# a token does not belong to it.
SECRETS = (
    (re.compile(r"(?a)\b[a-z0-9]{6}\.[a-z0-9]{16}\b"), "[token]"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:[hash]"),
    (re.compile(r'(-data"?: *"?)[A-Za-z0-9+/=]{16,}'), r"\1[data]"),
)
TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def mask(text):
    """Replace bootstrap tokens, CA hashes and the keys of a kubeconfig."""
    for pattern, replacement in SECRETS:
        text = pattern.sub(replacement, text)
    return text


def clean(line):
    """Remove terminal colours and control characters."""
    return TERMINAL.sub("", line)


def without_chatter(lines):
    """Remove docker's usage text, podman-compose's commands and Python's tracebacks.

    They follow an error and would push it out of the last lines.
    """
    kept, usage, trace, traced = [], False, False, False
    for line in lines:
        if re.match(r"Usage: +(docker|podman|nerdctl)", line):
            usage = True
        if usage:
            usage = not re.search(r" --help. for more information", line)
            continue
        if line.startswith("Traceback (most recent call last):"):
            trace = traced = True
        if trace and re.match(r"[ \t]|Traceback", line) or traced and line == "":
            continue
        trace = False
        if not re.match(
            r"\['podman', |podman volume inspect |exit code: 0$|During handling of the above"
            r" exception|Error: inspecting object: no such volume ",
            line,
        ):
            kept.append(line)
    return kept


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


# -- reports and requests --------------------------------------------------------------


class Reports:
    """Writes reports; those of a runner go through its agent, which adds the nonce."""

    def __init__(self, nonce=None):
        self.nonce = nonce

    def send(self, kind, **fields):
        self.forward(kind, fields)

    def forward(self, kind, fields):
        report = {"nonce": self.nonce} if self.nonce else {}
        report["report"] = kind
        for name in sorted(set(fields) - {"nonce", "report"}):
            report[name] = fields[name]
        line = json.dumps(report, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            while line:
                line = line[os.write(2, line):]
        except OSError:
            # The caller is gone; its lifeline ends, too.
            pass


class Gone(Exception):
    """The caller has exited, or has sent SIGTERM."""


class Caller:
    """The requests on stdin, and the end of them.

    stdin is a lifeline, too: when it ends without {"do": "end"}, the caller is gone.
    """

    def __init__(self):
        self.requests, self.is_over, self.is_gone, self.rest = [], False, False, b""
        self.wake, write = os.pipe()
        for end in (self.wake, write):
            os.set_blocking(end, False)
        # select() sees signals by a byte in this pipe.
        signal.set_wakeup_fd(write)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.stop)

    def stop(self, *_):
        self.is_gone = True

    def wait(self, seconds=None, others=()):
        """Wait for an event; return those of the other descriptors that can be read."""
        read = [self.wake, *others] + ([] if self.is_over else [0])
        ready = [] if self.is_gone else select.select(read, [], [], seconds)[0]
        if self.wake in ready:
            os.read(self.wake, 4096)
        if 0 in ready:
            self.read()
        if self.is_gone:
            raise Gone()
        return ready

    def read(self):
        data = os.read(0, 1 << 16)
        if not data:
            self.is_gone = True
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.take(line)

    def take(self, line):
        request = json.loads(os.fsdecode(line))
        if request["do"] == "end":
            self.is_over = True
        else:
            self.requests.append(request)

    def next(self):
        """The next request; None when there are no more."""
        while not self.requests and not self.is_over:
            self.wait()
        return self.requests.pop(0) if self.requests else None


def is_among(rank, idset):
    """Whether a rank is in an idset (RFC 22), such as 0-3,7."""
    for part in idset.split(","):
        first, _, last = part.partition("-")
        if int(first) <= rank <= int(last or first):
            return True
    return False


def source():
    """The source of this program: the argument after -c."""
    with open("/proc/self/cmdline", "rb") as file:
        arguments = file.read().split(b"\0")
    return arguments[arguments.index(b"-c") + 1].decode()


# -- processes -------------------------------------------------------------------------


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


def find_earlier(environment, nonce):
    """(pid, role, session) of processes that earlier runners of the same cluster left behind.

    It searches /proc, because a pid in a file may belong to another process by now. Only
    runners and the shells of steps count: they have the nonce of their call among their
    arguments. Containers that an engine has started stay. Brokers that share a host each
    have their own FLUX_URI.
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
            at = arguments.index(role) if role in arguments else 0
            if at and [nonce] != arguments[at + 1:at + 2]:
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


def end_earlier(environment, nonce):
    """End the processes of earlier runners of this cluster; return the pids that stay."""
    found = find_earlier(environment, nonce)
    if not found:
        return []
    runners = {pid for pid, role, _ in found if role == RUNNER}
    # A runner ends its own step properly.
    kill(runners, signal.SIGTERM)
    deadline = time.monotonic() + 12
    while runners & {pid for pid, _, _ in processes()} and time.monotonic() < deadline:
        time.sleep(0.05)
    found = find_earlier(environment, nonce)
    if found:
        end_sessions({session for _, _, session in found})
        found = find_earlier(environment, nonce)
    return sorted(pid for pid, _, _ in found)


# -- files -----------------------------------------------------------------------------


class Place:
    """The places of a cluster on this node, from the environment of its steps.

    In a work directory that nodes share, each node has a directory of its own, named after
    its rank, because Flux may use another host name than hostname(1). A cluster by hand has
    no ranks, and uses the host name.
    """

    def __init__(self, environment):
        self.workdir = environment["USERNETES_WORKDIR"]
        self.member = environment.get("USERNETES_RANK") or environment["USERNETES_HERE"]
        self.lead = environment.get("USERNETES_LEAD", "")
        self.state = os.path.join(self.workdir, ".usernetes")
        self.node = node_directory(self.state, self.member, environment["USERNETES_HERE"])

    def is_real(self):
        """Whether the directories exist; none of them may be a link."""
        places = (self.workdir, self.state, os.path.dirname(self.node), self.node)
        return all(is_directory(place) for place in places)

    def is_shared(self):
        """Whether this node shares its work directory with the lead."""
        lead = os.path.join(self.state, "nodes", self.lead)
        return self.member != self.lead and is_directory(lead)


def node_directory(state, member, here):
    """A node's own directory in a work directory.

    Until 2026-11-30 it was named after the host; a cluster that was made then keeps it. A
    number is a rank.
    """
    ranked, named = (os.path.join(state, "nodes", name) for name in (member, here))
    is_named = not is_directory(ranked) and not here.isdigit() and is_directory(named)
    return named if is_named else ranked


def is_directory(path):
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def size_of(path):
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def is_socket(path):
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def open_regular(path, flags):
    """Open a regular file. A link, a fifo or a device raises OSError without any wait."""
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return fd


def read_small(path, limit=4096):
    """The text of a small regular file, or "" if it does not exist."""
    try:
        fd = open_regular(path, os.O_RDONLY)
    except OSError:
        return ""
    with os.fdopen(fd, "rb") as file:
        return file.read(limit).decode("utf-8", "replace")


def replace_file(path, text):
    """Write a private file that replaces any file of that name."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "w") as file:
        file.write(text)


def why_full(directory, key):
    """Why a directory cannot be written to, in one line; "" if it can.

    The errors of shells and programs name neither the file system nor a remedy.
    """
    if not os.path.isdir(directory):
        return ""
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(dir=directory, prefix=".usernetes.") as file:
            file.write(bytes(65536))
            file.flush()
        return ""
    except OSError as error:
        where = directory + (" (%s)" % key if key else "")
        other = "set %s to another directory" % (key or "the work directory")
        if error.errno == errno.EROFS:
            return "the file system of %s is read-only: %s" % (where, other)
        if error.errno == errno.EDQUOT:
            reason = "the disk quota of uid %d is used up on" % os.getuid()
        elif error.errno == errno.ENOSPC:
            reason = "no inodes left on" if has_no_inodes(directory) else "no space left on"
        else:
            return ""
        return "%s %s: free some, or %s" % (reason, where, other)


def has_no_inodes(directory):
    usage = os.statvfs(directory)
    return usage.f_files > 0 and usage.f_ffree == 0


def why_step_full(environment):
    """The same for the directories that a step writes to."""
    workdir = environment["USERNETES_WORKDIR"]
    if environment.get("USERNETES_KEEP"):
        reason = why_full(workdir, "")
    else:
        reason = why_full(os.path.dirname(workdir), "usernetes.workdir")
    return reason or why_full(temporary_directory(environment), "TMPDIR")


def temporary_directory(environment=os.environ):
    return environment.get("TMPDIR") or "/tmp"


def which(program, path):
    """The path of a program; None if it is not on the PATH."""
    for directory in (path or os.defpath).split(":"):
        name = os.path.join(directory, program)
        if os.path.isfile(name) and os.access(name, os.X_OK):
            return name
    return None


def make_own_directory(path, may_be_shared):
    """Make a directory of this user with mode 0700, and its parents; return an error text or "".

    An existing one stays as it is. Links that another user may have planted are not followed:
    inside a directory that everybody may write to, only entries of root and of this user
    count. `may_be_shared`: it may also be a directory like /tmp.
    """
    if not path.startswith("/"):
        return "%s is not an absolute path" % (path or "an empty text")
    at, names, links = "/", path.split("/"), 0
    fd = os.open(at, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while names:
            name = names.pop(0)
            if name in ("", "."):
                continue
            above, here = os.fstat(fd), os.path.join(at, name)
            found = make_if_missing(name, fd)
            is_trusted = found.st_uid in (0, os.getuid())
            if not is_trusted and (above.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or not names):
                return "%s belongs to uid %d: %s" % (here, found.st_uid, OWN_INSTEAD)
            if stat.S_ISLNK(found.st_mode):
                links += 1
                if not is_trusted or links > 40:
                    return "%s is a link of uid %d's: %s" % (here, found.st_uid, OWN_INSTEAD)
                target = os.readlink(name, dir_fd=fd)
                names = target.split("/") + names
                if target.startswith("/"):
                    at, fd = "/", open_directory("/", fd)
                continue
            at, fd = here, open_directory(name, fd)
        own = os.fstat(fd)
    except OSError as error:
        return "%s cannot be made: %s" % (path, error.strerror)
    finally:
        os.close(fd)
    if may_be_shared and own.st_uid == 0 and own.st_mode & stat.S_ISVTX:
        return ""
    if own.st_uid != os.getuid():
        return "%s belongs to uid %d: %s" % (path, own.st_uid, OWN_INSTEAD)
    if own.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "%s is writable for others (%o): chmod 700 it" % (path, own.st_mode & 0o7777)
    return ""


OWN_INSTEAD = "remove it, or name a directory of the job's user"


def make_if_missing(name, parent):
    """The status of an entry of a directory; a missing entry is made as a directory."""
    why = None
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except OSError as error:
        why = error
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError as error:
        raise why or error


def open_directory(name, parent):
    """Open a directory inside another one, which is then closed; a link is not followed."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(name, flags, dir_fd=parent)
    os.close(parent)
    return opened


def remove_tree(path):
    import shutil

    shutil.rmtree(path, ignore_errors=True)


# -- a step's output -------------------------------------------------------------------


class Output:
    """The output of a step: its log on the node, without secrets, and its last lines.

    A step writes to a file without a name instead of a pipe: processes that an engine leaves
    running keep the descriptor, and a pipe without a reader would kill them. New lines are
    moved to the log every POLL_S.
    """

    def __init__(self, place, step, environment, keeps_log):
        self.log = Log(place, step) if keeps_log else None
        directory = place.node if place.is_real() else temporary_directory(environment)
        self.fd = open_nameless(directory)
        self.at, self.freed, self.rest, self.skips = 0, 0, b"", False
        self.lines = []

    def pump(self):
        size = os.fstat(self.fd).st_size
        if size - self.at > BACKLOG_MAX:
            self.at, self.rest, self.skips = size - BACKLOG_MAX // 2, b"", True
            self.keep([LEFT_OUT])
        while self.at < size:
            data = os.pread(self.fd, 1 << 16, self.at)
            if not data:
                break
            self.at += len(data)
            self.keep(self.take(data))
        if self.at - self.freed > RAW_MAX:
            self.free()

    def free(self):
        """Free the disk blocks that have been read; the rest stays."""
        path, length = "/proc/self/fd/%d" % self.fd, self.at - self.freed
        punch = ["fallocate", "--punch-hole", "--offset", str(self.freed)]
        try:
            subprocess.check_call(
                punch + ["--length", str(length), path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(self.fd,),
            )
            self.freed = self.at
        except (OSError, subprocess.CalledProcessError):
            # Not every file system supports this; a few lines may be lost.
            os.ftruncate(self.fd, 0)
            self.at = self.freed = 0

    def take(self, data):
        """The lines that are complete by now."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        # The end of a line whose start was cut may be half of a secret.
        if self.skips and lines:
            del lines[0]
            self.skips = False
        if len(self.rest) > LINE_MAX:
            if not self.skips:
                lines.append(whole_words(self.rest[:LINE_MAX]) + b" [cut]")
            self.rest, self.skips = b"", True
        return lines

    def keep(self, lines):
        texts = [mask(clean(line.decode("utf-8", "replace"))) for line in lines]
        self.lines = (self.lines + [text[:TAIL_WIDTH] for text in texts])[-400:]
        if self.log:
            self.log.write(texts)

    def end(self, mark):
        """Read the rest. `mark` ends the part of a failed try in the log."""
        self.pump()
        if self.rest and not self.skips:
            self.keep([self.rest])
        os.close(self.fd)
        if self.log:
            self.log.write([mark] if mark else [])

    def tail(self, status):
        lines = self.lines if status == "ok" else without_chatter(self.lines)
        return lines[-TAIL_LINES.get(status, 24):]


def whole_words(data):
    """The start of a line, without a possible first half of a secret at its end."""
    return re.sub(rb"[A-Za-z0-9+/=.:]{0,200}$", b"", data)


def open_nameless(directory):
    """A file without a name, which vanishes when it is closed everywhere."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(directory, flags | os.O_TMPFILE, 0o600)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
    name = os.path.join(directory, ".usernetes." + os.urandom(8).hex())
    fd = os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600)
    os.unlink(name)
    return fd


class Log:
    """The log of a step on its node, `STEP.log`; the earlier part of a long one is `STEP.log.1`.

    Lines are kept in memory until the cluster has its directory. A line that cannot be
    written is lost: a step never fails because of its log.
    """

    def __init__(self, place, step):
        self.place, self.path = place, os.path.join(place.node, step + ".log")
        self.waiting = b""

    def write(self, lines):
        text = self.waiting + "".join(line + "\n" for line in lines).encode("utf-8", "replace")
        if len(text) > LOG_MAX:
            text = LEFT_OUT + b"\n" + text[-LOG_MAX // 2:].partition(b"\n")[2]
        if not self.place.is_real():
            self.waiting = text
            return
        self.waiting = b""
        try:
            size = size_of(self.path)
            if size > 0 and size + len(text) > LOG_MAX:
                os.rename(self.path, self.path + ".1")
            fd = open_regular(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            with os.fdopen(fd, "ab") as file:
                file.write(text)
        except OSError:
            pass


class LogReader:
    """Reads the log of a step from its start, also while it grows and is renamed."""

    def __init__(self, place, step):
        self.step, self.path = step, os.path.join(place.node, step + ".log")
        self.fd, self.rest = None, b""

    def read(self, limit, at_end):
        """(text, is_cut): the new lines; of more than `limit` bytes, only the last.

        `at_end`: also an incomplete line.
        """
        is_cut, parts = False, [self.rest]
        if self.fd is None:
            self.fd = open_to_read(self.path)
            parts.append(self.read_before()[0] if self.fd is not None else b"")
        parts.append(read_on(self.fd))
        while self.is_renamed():
            # It may have been renamed twice meanwhile.
            before, misses = self.read_before()
            is_cut = is_cut or misses
            # The rest of that file, and the files between.
            parts += [read_on(self.fd), before]
            os.close(self.fd)
            self.fd = open_to_read(self.path)
            parts.append(read_on(self.fd))
        whole, end, self.rest = b"".join(parts).rpartition(b"\n")
        text = whole + end
        if at_end and self.rest:
            text, self.rest = text + self.rest + b"\n", b""
        if len(text) <= limit:
            return text, is_cut
        return text[-limit:].partition(b"\n")[2], True

    def read_before(self):
        """(text, is_cut) of the earlier part, unless that is the open file."""
        fd = open_to_read(self.path + ".1")
        if fd is None:
            return b"", False
        try:
            is_open = os.path.sameopenfile(fd, self.fd)
            return (b"", False) if is_open else (read_on(fd), True)
        finally:
            os.close(fd)

    def is_renamed(self):
        if self.fd is None:
            return False
        try:
            now = os.lstat(self.path)
        except OSError:
            return False
        return now.st_ino != os.fstat(self.fd).st_ino and stat.S_ISREG(now.st_mode)


def open_to_read(path):
    try:
        return open_regular(path, os.O_RDONLY)
    except OSError:
        return None


def read_on(fd):
    """The rest of a log, which has at most LOG_MAX bytes and a few lines."""
    return os.read(fd, 4 * LOG_MAX) if fd is not None else b""


# -- runner: as the cluster's user -------------------------------------------------------


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


class ProgressReader:
    """Calls back with each line from a pipe."""

    def __init__(self, fd, on_line):
        self.fd, self.on_line, self.rest = fd, on_line, b""
        os.set_blocking(fd, False)

    def read(self):
        """Read up to a mebibyte of available data; return False at the end of the pipe."""
        for _ in range(16):
            try:
                data = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                return True
            *lines, self.rest = (self.rest + data).split(b"\n")
            self.rest = self.rest[-LINE_MAX:]
            for line in lines:
                self.on_line(line.decode("utf-8", "replace"))
            if not data:
                return False
        return True


def reserve_descriptor():
    """Reserve descriptor 3, through which a step reports what it waits for."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 3)
    if null != 3:
        os.close(null)


def exit_code(code):
    """An exit status as a shell has it: 128 plus the signal that ended the process."""
    return code if code >= 0 else 128 - code


def owner_of(workdir):
    """The fields of a directory's marker: [jobid, instance]; [] if it is not a cluster's."""
    state = os.path.join(workdir, ".usernetes")
    if not is_directory(workdir) or not is_directory(state):
        return []
    return read_small(os.path.join(state, "owner"), MARKER_MAX).split("\n")[0].split()


def parse_variables(text):
    """Texts by name, from JSON; {} where that is something else."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return found if all(isinstance(value, str) for value in found.values()) else {}


def is_own_directory(path):
    return is_directory(path) and os.lstat(path).st_uid == os.getuid()


def list_directory(path):
    try:
        return os.listdir(path)
    except OSError:
        return []


def node_environment(given, site=None):
    """The request's environment, completed with the variables of this host.

    `site`: the variables of the site, with placeholders for values that only the node knows.
    """
    environment, me = dict(given), os.getuid()
    if not environment.get("HOME"):
        try:
            environment["HOME"] = pwd.getpwuid(me).pw_dir
        except KeyError:
            environment["HOME"] = "/"
    runtime = "/run/user/%d" % me
    if os.path.isdir(runtime):
        environment["XDG_RUNTIME_DIR"] = runtime
    environment.setdefault("USERNETES_HERE", hostname())
    values = placeholders(environment)
    for name, text in (site or {}).items():
        environment[name] = expand(text, values)
    environment["LANG"] = "C.UTF-8"
    return environment


def placeholders(environment):
    """The values of the placeholders in the site's variables on this node."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    uid, home, host = str(os.getuid()), environment["HOME"], environment["USERNETES_HERE"]
    return {"user": user, "uid": uid, "home": home, "host": host}


def expand(text, values):
    """A text with its placeholders replaced; {{ and }} become one brace."""

    def replace(match):
        found = match.group()
        return found[0] if found in ("{{", "}}") else values.get(found[1:-1], found)

    return re.sub(r"\{\{|\}\}|\{[a-z]+\}", replace, text)


# -- agent: as the instance owner --------------------------------------------------------


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


def hostname():
    """The host name as hostname(1) prints it, which the scripts of steps use too."""
    try:
        return subprocess.check_output(["hostname"], timeout=10).decode().strip()
    except (OSError, subprocess.SubprocessError):
        return os.uname().nodename


def private_path(name):
    return os.path.join(temporary_directory(), name)


def remove_private(name):
    """Remove the owner's copies of a join command that a killed agent left behind."""
    for entry in list_directory(temporary_directory()):
        path = private_path(entry)
        if entry.startswith(name + ".") and is_own_directory(path):
            remove_tree(path)


def scope(environment):
    """The command under which podman can enter containers; [] if none is needed.

    Flux's unit has Delegate=yes, which makes the instance owner the owner of its cgroup.
    Rootless podman then stays in that cgroup, and `podman exec` may not move a process from it
    to the container's cgroup, which is under the user's own manager. From a scope of that
    manager it may.
    """
    engines = environment.get("USERNETES_ENGINES", environment.get("USERNETES_ENGINE", ""))
    if not any(os.path.basename(name) == "podman" for name in engines.split()):
        return []
    if os.getuid() == 0 or not which("systemd-run", environment.get("PATH")):
        return []
    cgroup = read_small("/proc/self/cgroup")
    if re.search(r"(?m)^0:.*/(user@[^/]*\.service/|session-[^/]*\.scope)", cgroup):
        return []
    command = ["systemd-run", "--user", "--scope", "-q"]
    environment.setdefault("XDG_RUNTIME_DIR", "/run/user/%d" % os.getuid())
    try:
        # A user without a manager (no lingering) has no such scope.
        subprocess.check_call(
            command + ["true"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=10,
        )
        return command
    except (OSError, subprocess.SubprocessError):
        return []


def main(arguments):
    role, nonce = arguments[0], arguments[1]
    try:
        if role == RUNNER:
            runner = Runner(nonce)
            runner.main()
            runner.reports.send("over")
        else:
            userid = int(arguments[2]) if arguments[2] else None
            agent = Agent(nonce, userid, arguments[3])
            for request in arguments[4:]:
                agent.caller.take(os.fsencode(request))
            agent.main()
    except Gone:
        sys.exit(143)


if __name__ == "__main__":
    main(sys.argv[1:])
    # Nothing is buffered; Python's own end would take a fifth of the time of a start.
    os._exit(0)
