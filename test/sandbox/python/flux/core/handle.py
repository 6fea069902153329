"""flux.Flux: requests, services and the reactor over one connection."""

import errno
import json
from collections import deque

from flux import constants
from flux.core.connection import Connection
from flux.future import RPC, Future, Pending


def encode(payload):
    """Return strings and None unchanged, anything else as JSON."""
    if payload is None or isinstance(payload, str):
        return payload
    if isinstance(payload, bytes):
        return payload.decode("utf-8", "surrogateescape")
    return json.dumps(payload)


class Message:
    """A request to a service of this process."""

    def __init__(self, message):
        self.tag = message["tag"]
        self.topic = message["topic"]
        self.userid = message["userid"]
        self.rolemask = message["rolemask"]
        self.text = message.get("payload")

    @property
    def handle(self):
        return self

    @property
    def payload_str(self):
        if self.text is None:
            return None
        return self.text.encode("utf-8", "surrogateescape").decode("utf-8")

    @property
    def payload(self):
        return json.loads(self.payload_str)


class Watcher:
    """Calls its callback while it is started."""

    def __init__(self, watchers, callback, args):
        self.watchers = watchers
        self.callback = callback
        self.args = args

    def start(self):
        self.watchers.append(self)
        return self

    def stop(self):
        if self in self.watchers:
            self.watchers.remove(self)
        return self


class MessageWatcher(Watcher):
    def __init__(self, handle, callback, topic, rolemask, args):
        super().__init__(handle.message_watchers, callback, args)
        self.topic = topic
        self.rolemask = constants.FLUX_ROLE_OWNER | (rolemask or 0)


class FDWatcher(Watcher):
    def __init__(self, handle, fd, callback, args):
        super().__init__(handle.fd_watchers, callback, args)
        self.fd = fd


class Flux:
    def __init__(self):
        self.connection = Connection()
        self.appname = "unknown"
        self.message_watchers = []
        self.fd_watchers = []
        self._events = deque()
        self._pending = {}
        self._tag = 0
        self._is_running = False
        self._status = 0

    @property
    def handle(self):
        return self

    # -- requests

    def request(self, topic, payload=None, flags=0):
        """Send a request with the caller's text as payload; return a Pending."""
        self._tag += 1
        message = {"type": "request", "tag": self._tag, "topic": topic}
        message["payload"] = encode(payload)
        pending = Pending(self, self._tag)
        if not flags & constants.FLUX_RPC_NORESPONSE:
            self._pending[self._tag] = (
                pending,
                bool(flags & constants.FLUX_RPC_STREAMING),
            )
        self.connection.send(message)
        return pending

    def rpc(self, topic, payload=None, nodeid=constants.FLUX_NODEID_ANY, flags=0):
        return RPC(self.request(topic, payload, flags))

    def attr_get(self, attr_name):
        return self.rpc("attr.get", {"name": attr_name}).get()["value"]

    def get_rank(self):
        return int(self.attr_get("rank"))

    def log(self, level, fstring):
        line = {
            "level": level,
            "name": self.appname,
            "text": fstring.replace("%%", "%"),
        }
        self.request("log.append", line, constants.FLUX_RPC_NORESPONSE)

    # -- services

    def service_register(self, name):
        return Future(self.request("service.add", {"service": name}))

    def msg_watcher_create(
        self,
        callback,
        type_mask=constants.FLUX_MSGTYPE_REQUEST,
        topic_glob="*",
        args=None,
        match_tag=0,
        rolemask=None,
    ):
        return MessageWatcher(self, callback, topic_glob, rolemask, args)

    def fd_watcher_create(self, fd_int, callback, events=None, args=None):
        return FDWatcher(self, fd_int, callback, args)

    def respond(self, message, payload=None):
        self._answer(message, {"payload": encode(payload)})

    def respond_error(self, message, errnum, text=None):
        self._answer(message, {"errno": errnum, "error": text})

    def _answer(self, message, answer):
        self.connection.send(dict(answer, type="response", tag=message.tag))

    def _serve(self, message):
        for watcher in self.message_watchers:
            if watcher.topic in ("*", message.topic):
                break
        else:
            text = "No service matching {} is registered".format(message.topic)
            self.respond_error(message, errno.ENOSYS, text)
            return
        if not watcher.rolemask & message.rolemask:
            text = "Request requires owner credentials"
            self.respond_error(message, errno.EPERM, text)
            return
        watcher.callback(self, watcher, message, watcher.args)

    # -- the reactor

    def queue(self, event):
        self._events.append(event)

    def receive(self, fds, timeout):
        """Wait for messages and return the readable ones of these descriptors."""
        ready = self.connection.readable(fds, timeout)
        if self.connection.socket not in ready:
            return ready
        for message in self.connection.receive():
            if message["type"] == "request":
                self.queue(Message(message))
                continue
            pending, is_stream = self._pending.get(message["tag"], (None, False))
            if pending is None:
                continue
            if not is_stream or message.get("errno"):
                del self._pending[message["tag"]]
            pending.fulfill(message)
        return ready

    def _dispatch(self):
        while self._events and self._is_running:
            event = self._events.popleft()
            if isinstance(event, Message):
                self._serve(event)
            else:
                event.dispatch()

    def reactor_run(self, reactor=None, flags=0):
        """Run until the reactor is stopped or the instance ends."""
        self._is_running, self._status = True, 0
        self._dispatch()
        while self._is_running and self.connection.is_open:
            watchers = list(self.fd_watchers)
            ready = self.receive([watcher.fd for watcher in watchers], None)
            self._dispatch()
            for watcher in watchers:
                if watcher.fd in ready and self._is_running:
                    events = constants.FLUX_POLLIN
                    watcher.callback(self, watcher, watcher.fd, events, watcher.args)
        return self._status

    def reactor_stop(self, reactor=None):
        self._is_running = False

    def reactor_stop_error(self, reactor=None):
        self._is_running, self._status = False, -1
