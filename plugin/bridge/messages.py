"""Lines to the daemon, and errors that must not end the bridge."""

import functools
import json
import os
import sys


def emit(**message):
    """One line to the daemon; a closed pipe means that the daemon has ended."""
    line = json.dumps(message, separators=(",", ":")) + "\n"
    try:
        sys.stdout.write(line)
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(0)


def guarded(callback):
    """Handle a message; an error in it must not end the bridge."""

    @functools.wraps(callback)
    def call(*args):
        try:
            callback(*args)
        except Exception as exc:  # whatever it is
            print(
                f"usernetes bridge: {callback.__name__}: {exc!r}"[:300], file=sys.stderr
            )

    return call
