"""The caller of an agent or a runner: its requests on stdin, the reports to it on stderr."""

import json
import os
import select
import signal
import time

from text import LINE_MAX


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

    def read_lines(self, reader, seconds=None, is_enough=lambda: False):
        """Read the lines of a child until they end or are enough.

        Return False if that took longer than `seconds`. Without `seconds` there is no limit.
        """
        deadline = time.monotonic() + seconds if seconds else None
        while not is_enough():
            left = deadline - time.monotonic() if deadline else None
            if deadline and left <= 0:
                return False
            if reader.fd in self.wait(left, [reader.fd]) and not reader.read():
                break
        return True

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


class LineReader:
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
