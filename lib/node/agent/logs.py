"""What a step prints: the log on this node, and how it is read again."""

import errno
import os
import stat
import subprocess

from files import open_regular, size_of, temporary_directory
from masking import mask, whole_words
from text import LINE_MAX, TAIL_WIDTH, clean, without_chatter

LOG_MAX = 512 << 10  # bytes of a log file; there are at most two of each step
BACKLOG_MAX = 2 << 20  # bytes of new output that are read at once; more is skipped
RAW_MAX = 16 << 20  # bytes of output that has been read, on disk
TAIL_LINES = {"ok": 4, "failed": 24}
LEFT_OUT = b"-- some output was left out here --"


class Output:
    """The output of a step: its log on the node, without secrets, and its last lines.

    A step writes to a file without a name instead of a pipe: processes that an engine leaves
    running keep the descriptor, and a pipe without a reader would kill them. New lines are
    moved to the log several times a second.
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
