##############################################################
# call.py - one request to a service of Flux, from the command line
#
#   flux python call.py TOPIC JSON SECONDS
#
# Prints the answer as one line of JSON.  If the service refuses, it prints the errno
# and its text on stderr, and exits 1.  It waits SECONDS at most.
#
# Flux sends no answer if the process of a service dies.  Therefore this program checks
# usernetes.pid, which identifies the process that has the service now.
##############################################################

import errno
import json
import sys
import time

import flux

# Seconds between two checks.
LOOK = 2


def who(handle, topic):
    """The process ID of the service; OSError (ENOSYS) if there is none."""
    rpc = handle.rpc(topic.split(".")[0] + ".pid")
    rpc.wait_for(LOOK * 5)
    return rpc.get()["pid"]


def call(topic, payload, seconds):
    handle = flux.Flux()
    first = who(handle, topic)
    rpc = handle.rpc(topic, payload)
    until = time.monotonic() + seconds
    while True:
        try:
            rpc.wait_for(max(0.001, min(LOOK, until - time.monotonic())))
            return rpc.get()
        except TimeoutError:
            if time.monotonic() >= until:
                raise
            if who(handle, topic) != first:
                raise OSError(errno.EAGAIN, "the daemon was restarted meanwhile: try again")


topic, text, seconds = sys.argv[1:]
try:
    print(json.dumps(call(topic, json.loads(text), float(seconds))))
except OSError as exc:
    sys.exit(f"{exc.errno} {exc.strerror or exc}")
