"""Futures: a Pending replaces C's flux_future_t, a Future is the Python object."""

import errno
import json
import os
import time
from collections import deque


class Pending:
    """The answers to one request, in the order in which they arrived."""

    def __init__(self, handle, tag):
        self.handle = handle
        self.tag = tag
        self.answers = deque()
        self.callback = None
        self.is_delivered = False

    def fulfill(self, answer):
        self.answers.append(answer)
        self.handle.queue(self)

    def dispatch(self):
        if self.callback is None or self.is_delivered or not self.answers:
            return
        answer = self.answers[0]
        self.is_delivered = True
        self.callback()
        if answer.get("ack"):
            self.handle.connection.send({"type": "seen"})

    def reset(self):
        self.answers.popleft()
        self.is_delivered = False
        if self.answers:
            self.handle.queue(self)

    def wait(self, timeout):
        until = None if timeout < 0 else time.monotonic() + timeout
        while not self.answers:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            self.handle.receive([], left)
            if not self.answers and not self.handle.connection.is_open:
                raise OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))

    def payload(self):
        """Return the answer's payload.  Raise OSError if the answer has an errno."""
        self.wait(-1)
        answer = self.answers[0]
        number = answer.get("errno")
        if number:
            raise OSError(number, answer.get("error") or os.strerror(number))
        return answer.get("payload")


class Future:
    def __init__(self, future_handle):
        self.pending = future_handle

    def then(self, callback, *args, **kwargs):
        pending = self.pending
        pending.callback = lambda: callback(self, *args, **kwargs)
        if pending.answers:
            pending.handle.queue(pending)
        return self

    def is_ready(self):
        return bool(self.pending.answers)

    def wait_for(self, timeout=-1.0):
        self.pending.wait(timeout)
        return self

    def get(self):
        self.pending.payload()

    def reset(self):
        self.pending.reset()


class RPC(Future):
    def get_str(self):
        return self.pending.payload()

    def get(self):
        text = self.get_str()
        return None if text is None else json.loads(text)
