"""The socket of the embedded Flux: JSON messages in the frames of test/sandbox/wire.ts."""

import errno
import json
import os
import select
import socket
import struct

HEAD = struct.Struct(">cI")
DEFAULT_URI = "local:///run/flux/local"


def open_socket():
    path = os.environ.get("FLUX_URI", DEFAULT_URI).partition("://")[2]
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.connect(path)
    except FileNotFoundError:
        text = "Unable to connect to Flux: broker socket {} was not found"
        raise OSError(errno.ENOENT, text.format(path)) from None
    except OSError as exc:
        raise OSError(
            exc.errno, "Unable to connect to Flux: " + exc.strerror
        ) from None
    return sock


class Connection:
    def __init__(self):
        self.socket = open_socket()
        self.received = b""
        self.is_open = True
        self.send_frame(b"H", {"user": os.environ.get("SANDBOX_USER")})

    def send_frame(self, kind, thing):
        body = json.dumps(thing).encode("utf-8")
        try:
            self.socket.sendall(HEAD.pack(kind, len(body)) + body)
        except (BrokenPipeError, ConnectionResetError):
            # The reader handles the messages received so far, and then finds the end.
            pass

    def send(self, message):
        self.send_frame(b"M", message)

    def readable(self, fds, timeout):
        """Return the readable ones of these descriptors and this connection."""
        return select.select([self.socket] + fds, [], [], timeout)[0]

    def receive(self):
        """Return the messages of one read.  At the end, mark the connection closed."""
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            self.is_open = False
        self.received += data
        messages = []
        while len(self.received) >= HEAD.size:
            _kind, length = HEAD.unpack_from(self.received)
            end = HEAD.size + length
            if len(self.received) < end:
                break
            frame, self.received = self.received[:end], self.received[end:]
            messages.append(json.loads(frame[-length:].decode("utf-8")))
        return messages
