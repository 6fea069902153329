##############################################################
# bridge.py - the functions of Flux that the daemon needs and that have no command
#
# Purpose: one long-lived process (`flux python bridge.py`) beside the
# flux-usernetes daemon.  It reads the job manager's journal, reports the jobs
# that ask for usernetes, holds them as soon as it sees them, and carries out the
# daemon's requests, each of which would cost 60-90 ms as a process.
#
# Protocol: one JSON object a line, both ways.  Job ids are decimal strings
# (they do not fit into a double).  On stdout:
#
#   {"type": "ready", "rank": 0, "size": 4, "owner": 0, "starttime": N}
#                              starttime: of this run of the instance
#   {"type": "refused", "reason": "exists" | "owner" | "rank" | "flux", "error": S}
#   {"type": "job", "id": S, "userid": N, "user": {...}, "duration": S|N}
#                              a job that asks; user: its usernetes* keys
#   {"type": "due", "id": S}            it has its nodes, or is over: the daemon has
#                              to act now; once per job
#   {"type": "inactive", "id": S}       its nodes are released: before the report that
#                              another job has them
#   {"type": "gone", "id": S}           refused by ingest after its submit event
#   {"type": "sentinel"}                all active jobs have been reported
#   {"type": "call", "call": N, "method": S, "userid": N, "payload": ANY}
#                              a request to the service, for the daemon to answer
#   {"type": "reply", "seq": N, "value": ANY}
#   {"type": "reply", "seq": N, "errno": N, "error": S}
#
# On stdin, each with "seq" and "op":
#
#   post {id, name, context}    an event into the job's primary eventlog
#   memo {id, memo}             RFC 21 memo
#   raise {id, kind, severity, note}
#   update {id, updates}        jobspec update (RFC 21 jobspec-update)
#   commit {ops}                one KVS transaction of ["append", key, text],
#                               ["put", key, value] and ["unlink", key]
#   lookup {key}                the raw text of a key, null if it is not there
#   list {key}                  the names in a KVS directory, [] if it is not there
#   drain {ranks, reason}
#   drained {}                  the reason by idset of each drained rank, like {"0-1": S}
#   undrain {ranks, reason}
#   log {level, text}           a line in flux-dmesg(1), level as in syslog(3)
#   answer {call, value}, answer {call, errno, error}
#                               to a call; a caller that is gone is no error
#   notify {state}              to the service manager, as in sd_notify(3); nothing
#                               where NOTIFY_SOCKET is not set
#
# With --instance it serves a command that manages the cluster of the whole
# instance: it has the service name usernetes-instance, so that only one runs at a
# time, ignores jobs, and needs no daemon.
#
# The hold (bridge/hold.py): it posts prolog-start when it sees a submit event, and
# epilog-start when it sees a finish event or a fatal exception, each once.  Both have an
# effect only within milliseconds, so the bridge decides; the daemon posts the finishes.
# A job whose cluster's entry was removed needs no epilog: its shell has kept the nodes.
#
# With --perilog Flux's own prolog and epilog hold the jobs: the bridge posts nothing,
# and marks each job that does not ask with a file (NonRequestingJobs).
#
# Failure behaviour: it exits when its stdin closes (the daemon has ended), and
# when the broker is lost.  Its only state is what the journal sends again.
# It reports a malformed job, request or ping on stderr and continues: if it exited,
# all other jobs would lose it, at each start again.
##############################################################

import argparse
import errno
import json
import os
import sys

import flux
import flux.constants
from flux.core.inner import ffi, raw

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "bridge"))
# Python must not write cache files into the package.
sys.dont_write_bytecode = True
from daemon_requests import DaemonRequests  # noqa: E402
from hold import hold  # noqa: E402
from jobs import SERVICE, Job, limit_of, request_of  # noqa: E402
from messages import emit, guarded  # noqa: E402
from non_requesting import NonRequestingJobs  # noqa: E402

INSTANCE_SERVICE = "usernetes-instance"
# Flux takes JSON that is 2,048 levels deep (jansson), Python half of that.
MAX_JSON_DEPTH = 10000
EVENTS = (
    "submit",
    "alloc",
    "prolog-start",
    "start",
    "epilog-start",
    "exception",
    "finish",
    "invalidate",
    "clean",
)
# Requests that the daemon answers, for the instance owner only.
METHODS = ("clean",)


class Bridge:
    def __init__(self, handle, perilog):
        self.handle = handle
        self.holds_jobs = not perilog
        self.non_requesting = self.open_non_requesting() if perilog else None
        self.jobs = {}
        self.calls = {}
        self.called = 0
        self.requests = DaemonRequests(handle, self.jobs, self.calls)
        self.input = b""

    def open_non_requesting(self):
        try:
            return NonRequestingJobs(self.handle)
        except OSError as exc:
            print(f"usernetes bridge: {exc}: prologs ask Flux", file=sys.stderr)
            return None

    # -- the journal

    def follow_journal(self):
        payload = {"full": False, "allow": {name: 1 for name in EVENTS}}
        rpc = self.handle.rpc(
            "job-manager.events-journal",
            payload,
            flags=flux.constants.FLUX_RPC_STREAMING,
        )
        rpc.then(self.on_journal)

    def on_journal(self, rpc):
        try:
            text = rpc.get_str()
        except OSError as exc:
            print(f"usernetes bridge: journal: {exc}", file=sys.stderr)
            self.handle.reactor_stop_error()
            return
        rpc.reset()
        self.on_response(text)

    @guarded
    def on_response(self, text):
        response = json.loads(text)
        if response["id"] == -1:
            emit(type="sentinel")
            return
        self.on_events(response["id"], response["events"], response.get("jobspec"))

    def on_events(self, jobid, events, jobspec):
        request = None
        if jobid not in self.jobs:
            request = request_of(jobspec)
            if request is None:
                if self.non_requesting:
                    self.non_requesting.observe(jobid, events, jobspec)
                return
            self.jobs[jobid] = Job()
        job = self.jobs[jobid]
        for event in events:
            job.see(event)
        if self.holds_jobs and "clean" not in job.seen:
            hold(self.handle, jobid, job)
        if request is not None:
            submit = next(e for e in events if e["name"] == "submit")
            emit(
                type="job",
                id=str(jobid),
                userid=submit["context"]["userid"],
                user=request,
                duration=limit_of(jobspec),
            )
        if job.becomes_due():
            emit(type="due", id=str(jobid))
        if "clean" in job.seen:
            emit(type="inactive", id=str(jobid))
        if "invalidate" in job.seen:
            emit(type="gone", id=str(jobid))
        if "invalidate" in job.seen or "clean" in job.seen:
            del self.jobs[jobid]

    # -- which brokers are up: a flux exec to one that has just died hangs

    def follow_online(self):
        self.handle.rpc(
            "groups.get",
            {"name": "broker.online"},
            nodeid=0,
            flags=flux.constants.FLUX_RPC_STREAMING,
        ).then(self.on_online)

    def on_online(self, rpc):
        try:
            members = rpc.get()["members"]
        except OSError as exc:
            print(f"usernetes bridge: broker.online: {exc}", file=sys.stderr)
            return
        rpc.reset()
        emit(type="online", ranks=members)

    # -- the service: flux-ping(1) speaks to it from any rank

    def serve(self):
        watcher = self.handle.msg_watcher_create(
            self.on_ping,
            flux.constants.FLUX_MSGTYPE_REQUEST,
            f"{SERVICE}.ping",
            rolemask=flux.constants.FLUX_ROLE_USER | flux.constants.FLUX_ROLE_OWNER,
        )
        watcher.start()
        self.handle.msg_watcher_create(
            self.on_pid,
            flux.constants.FLUX_MSGTYPE_REQUEST,
            f"{SERVICE}.pid",
            rolemask=flux.constants.FLUX_ROLE_USER | flux.constants.FLUX_ROLE_OWNER,
        ).start()
        for method in METHODS:
            self.handle.msg_watcher_create(
                self.on_call,
                flux.constants.FLUX_MSGTYPE_REQUEST,
                f"{SERVICE}.{method}",
                args=method,
            ).start()

    @guarded
    def on_call(self, handle, _watcher, msg, method):
        try:
            payload = json.loads(msg.payload_str or "null")
        except (OSError, RecursionError, ValueError):
            raw.flux_respond_error(handle.handle, msg.handle, errno.EPROTO, ffi.NULL)
            return
        self.called += 1
        self.calls[self.called] = msg
        emit(
            type="call",
            call=self.called,
            method=method,
            userid=msg.userid,
            payload=payload,
        )

    @guarded
    def on_ping(self, handle, _watcher, msg, _args):
        # Any user may send anything.
        try:
            answer = dict(json.loads(msg.payload_str or "{}"))
            answer.update(route=SERVICE, rank=0)
            answer.update(userid=msg.userid, rolemask=msg.rolemask)
            text = json.dumps(answer)
        except (OSError, RecursionError, TypeError, ValueError):
            raw.flux_respond_error(handle.handle, msg.handle, errno.EPROTO, ffi.NULL)
            return
        handle.respond(msg, text)

    @guarded
    def on_pid(self, handle, _watcher, msg, _args):
        handle.respond(msg, json.dumps({"pid": os.getpid()}))

    # -- requests of the daemon

    def on_input(self, _handle, _watcher, fd, _revents, _args):
        data = os.read(fd, 1 << 16)
        if not data:
            self.handle.reactor_stop()
            return
        *lines, self.input = (self.input + data).split(b"\n")
        for line in lines:
            if line.strip():
                self.requests.on_request(line)


def refuse(reason, error):
    emit(type="refused", reason=reason, error=str(error))
    sys.exit(1)


def connect(service):
    try:
        handle = flux.Flux()
        rank = handle.get_rank()
        owner = int(handle.attr_get("security.owner"))
    except OSError as exc:
        refuse("flux", exc)
    if rank != 0:
        refuse("rank", f"this is rank {rank}, the daemon runs on rank 0")
    if owner != os.getuid():
        refuse("owner", f"the instance belongs to uid {owner}, not to {os.getuid()}")
    try:
        handle.service_register(service).get()
    except FileExistsError:
        refuse("exists", f"the service {service} is registered already")
    raw.flux_log_set_appname(handle, SERVICE.encode())
    return handle


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--perilog", action="store_true")
    parser.add_argument("--instance", action="store_true")
    args = parser.parse_args()
    sys.setrecursionlimit(MAX_JSON_DEPTH)
    handle = connect(INSTANCE_SERVICE if args.instance else SERVICE)
    bridge = Bridge(handle, args.perilog)
    if not args.instance:
        bridge.serve()
    stdin = handle.fd_watcher_create(0, bridge.on_input, flux.constants.FLUX_POLLIN)
    stdin.start()
    emit(
        type="ready",
        rank=0,
        size=int(handle.attr_get("size")),
        owner=int(handle.attr_get("security.owner")),
        starttime=float(handle.attr_get("broker.starttime")),
    )
    bridge.follow_online()
    if not args.instance:
        bridge.follow_journal()
    handle.reactor_run()
    if bridge.non_requesting:
        bridge.non_requesting.clear()


if __name__ == "__main__":
    main()
