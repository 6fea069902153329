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
# The hold: it posts prolog-start when it sees a submit event, and epilog-start when
# it sees a finish event or a fatal exception, each once.  Both have an effect only
# within milliseconds, so the bridge decides; the daemon posts the finishes.  A job
# whose cluster's entry was removed needs no epilog: its shell has kept the nodes.
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
import functools
import json
import os
import shutil
import socket
import sys

import flux
import flux.constants
from flux.core.inner import ffi, raw
from flux.future import Future

SERVICE = "usernetes"
INSTANCE_SERVICE = "usernetes-instance"
# The entries of clusters that may have resources on their nodes: usernetes.cluster.JOBID.
OPEN_CLUSTERS = "usernetes.cluster."
DESCRIPTION = {"description": "usernetes"}
NO = ("no", "false", "off", "0", "")
# The keys of attributes.user that belong to usernetes; a job may have others.
OPTIONS = ("", "_debug", "_engine", "_tolerate", "_schedule_on_lead", "_template")
ATTRIBUTES = tuple(SERVICE + option for option in OPTIONS)
# A longer attribute is cut: the daemon refuses it in any case.
ATTRIBUTE_MAX = 4096
# Bytes of a value that are passed to the daemon.
LOOKUP_MAX = 12 << 20
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
# The daemon has to act for a job only from one of these events on.
ACTIONABLE_EVENTS = ("alloc", "finish", "fatal", "clean")


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


def within(thing, *names):
    """thing[name][name]..., or None if it does not exist: the user writes the
    jobspec."""
    for name in names:
        thing = thing.get(name) if isinstance(thing, dict) else None
    return thing


def bounded(value):
    """The value, or the start of one that is longer than any valid value."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):
        return ["..."]
    return value if len(text) <= ATTRIBUTE_MAX else [text[:80] + "..."]


def limit_of(jobspec):
    """The time limit in seconds; 0 if there is none, or if it is not a time."""
    duration = within(jobspec, "attributes", "system", "duration")
    is_time = isinstance(duration, (int, float)) and 0 < duration < 1e15
    return duration if is_time else 0


def asks(value):
    """Whether attributes.user.usernetes asks for a cluster, or is for the
    daemon to refuse."""
    if isinstance(value, str):
        return value.lower() not in NO
    return value is not None and value is not False and value != 0


def request_of(jobspec):
    """The usernetes* keys of attributes.user, or None if the job does not ask."""
    user = within(jobspec, "attributes", "user")
    if not asks(within(user, SERVICE)):
        return None
    return {key: bounded(user[key]) for key in ATTRIBUTES if key in user}


class NonRequestingJobs:
    """A file for each active job that does not ask for a cluster, in a directory
    beside the broker's socket: etc/flux/system/prolog.d/usernetes and epilog.d
    check whether it exists, which starts no program.

    For a job without a file, the scripts ask Flux, also for all jobs if the directory
    cannot be made."""

    # The number of waiting jobs that have a file; other jobs get it with their nodes.
    WAITING_MAX = 10000

    def __init__(self, handle):
        socket_path = handle.attr_get("local-uri").partition("://")[2]
        self.directory = os.path.join(os.path.dirname(socket_path), "usernetes.plain")
        # Files of an earlier bridge: the journal sends all active jobs again.
        self.clear()
        os.mkdir(self.directory, 0o700)
        self.marked = set()
        self.unmarked = set()

    def clear(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def observe(self, jobid, events, jobspec):
        names = {event["name"] for event in events}
        if "clean" in names or "invalidate" in names:
            self.forget(jobid)
        elif "submit" in names and isinstance(jobspec, dict):
            self.unmarked.add(jobid)
        if jobid in self.unmarked and (
            "alloc" in names or len(self.marked) < self.WAITING_MAX
        ):
            self.mark(jobid)

    def file_of(self, jobid):
        name = ffi.new("char[]", 32)
        raw.flux_job_id_encode(jobid, "f58plain", name, 32)
        return os.path.join(self.directory, ffi.string(name).decode())

    def mark(self, jobid):
        os.close(os.open(self.file_of(jobid), os.O_CREAT | os.O_WRONLY, 0o600))
        self.unmarked.discard(jobid)
        self.marked.add(jobid)

    def forget(self, jobid):
        self.unmarked.discard(jobid)
        if jobid in self.marked:
            self.marked.discard(jobid)
            os.unlink(self.file_of(jobid))


def text_of(lookup, key):
    """The value of a fulfilled lookup; None if the key is not there."""
    value = ffi.new("char *[1]")
    try:
        raw.flux_kvs_lookup_get(lookup, value)
    except FileNotFoundError:
        return None
    text = b"" if value[0] == ffi.NULL else ffi.string(value[0])
    if len(text) > LOOKUP_MAX:
        raise OSError(errno.EFBIG, f"{key} is too long")
    return text.decode("utf-8", "replace")


def names_of(lookup):
    """The names in the directory of a fulfilled lookup (a tree object, RFC 11)."""
    value = ffi.new("char *[1]")
    try:
        raw.flux_kvs_lookup_get_treeobj(lookup, value)
    except FileNotFoundError:
        return []
    return list(json.loads(ffi.string(value[0]))["data"])


def reasons_of(status):
    """Why ranks are drained, by idset, of a response to resource.status."""
    drained = status.get("drain") or {}
    return {ranks: entry.get("reason") or "" for ranks, entry in drained.items()}


class Job:
    """The events of one job that asks, as far as needed to hold it once."""

    def __init__(self):
        self.seen = set()
        self.prolog = False
        self.epilog = False
        self.reported = False

    def see(self, event):
        name = event["name"]
        context = event.get("context") or {}
        own = context.get("description") == SERVICE
        if name == "prolog-start":
            self.prolog = self.prolog or own
        elif name == "epilog-start":
            self.epilog = self.epilog or own
        elif name == "exception":
            if context.get("severity") == 0:
                self.seen.add("fatal")
        else:
            self.seen.add(name)

    def becomes_due(self):
        """Whether it has its nodes or has ended, and the daemon does not know yet."""
        due = not self.reported and not self.seen.isdisjoint(ACTIONABLE_EVENTS)
        self.reported = self.reported or due
        return due

    def missing(self):
        """The event to post now so that Flux waits for the daemon, or None."""
        over = "finish" in self.seen or "fatal" in self.seen
        if over:
            if "alloc" in self.seen and not self.epilog:
                self.epilog = True
                return "epilog-start"
        elif not self.prolog and "start" not in self.seen:
            self.prolog = True
            return "prolog-start"
        return None


class Bridge:
    def __init__(self, handle, perilog):
        self.handle = handle
        self.hold = not perilog
        self.non_requesting = self.open_non_requesting() if perilog else None
        self.jobs = {}
        self.calls = {}
        self.called = 0
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
        if self.hold and "clean" not in job.seen:
            name = job.missing()
            if name:
                self.post(jobid, name, DESCRIPTION)
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

    def post(self, jobid, name, context):
        request = {"id": jobid, "name": name, "context": context}
        return self.handle.rpc("job-manager.post-event.post", request).then(
            self.on_held
        )

    @staticmethod
    @guarded
    def on_held(rpc):
        try:
            rpc.get()
        except OSError as exc:
            # ENOENT: the job has already ended, or was refused by ingest.
            if exc.errno != errno.ENOENT:
                print(f"usernetes bridge: hold: {exc}", file=sys.stderr)

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
                self.on_request(line)

    @guarded
    def on_request(self, line):
        request = json.loads(line)
        seq = request["seq"]
        try:
            answer = getattr(self, "op_" + request["op"])(request)
            future, read = answer if isinstance(answer, tuple) else (answer, None)
            if isinstance(future, Future):
                future.then(self.on_done, seq, read)
            else:
                emit(type="reply", seq=seq, value=answer)
        except OSError as exc:
            emit(type="reply", seq=seq, errno=exc.errno, error=exc.strerror or str(exc))
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            emit(type="reply", seq=seq, errno=errno.EINVAL, error=repr(exc)[:300])

    @staticmethod
    @guarded
    def on_done(future, seq, read):
        try:
            value = future.get() if read is None else read()
            emit(type="reply", seq=seq, value=None if read is None else value)
        except OSError as exc:
            emit(type="reply", seq=seq, errno=exc.errno, error=exc.strerror or str(exc))

    def op_post(self, request):
        payload = {"id": int(request["id"]), "name": request["name"]}
        payload["context"] = request.get("context", {})
        return self.handle.rpc("job-manager.post-event.post", payload)

    def op_memo(self, request):
        payload = {"id": int(request["id"]), "memo": request["memo"]}
        return self.handle.rpc("job-manager.memo", payload)

    def op_raise(self, request):
        payload = {
            "id": int(request["id"]),
            "type": request["kind"],
            "severity": request["severity"],
            "note": request["note"],
        }
        return self.handle.rpc("job-manager.raise", payload)

    def op_update(self, request):
        payload = {"id": int(request["id"]), "updates": request["updates"]}
        return self.handle.rpc("job-manager.update", payload)

    def op_drain(self, request):
        payload = {"targets": request["ranks"], "reason": request["reason"]}
        payload["mode"] = "update"
        return self.handle.rpc("resource.drain", payload, nodeid=0)

    def op_drained(self, _request):
        future = self.handle.rpc("resource.status", nodeid=0)
        return future, lambda: reasons_of(future.get())

    def op_undrain(self, request):
        payload = {"targets": request["ranks"], "reason": request["reason"]}
        # It is not an error if the rank is no longer drained.
        payload["mode"] = "update"
        return self.handle.rpc("resource.undrain", payload, nodeid=0)

    def op_commit(self, request):
        txn = raw.flux_kvs_txn_create()
        try:
            for verb, key, *value in request["ops"]:
                if verb == "append":
                    data = value[0].encode("utf-8")
                    raw.flux_kvs_txn_put_raw(
                        txn, raw.FLUX_KVS_APPEND, key, data, len(data)
                    )
                elif verb == "put":
                    raw.flux_kvs_txn_put(txn, 0, key, json.dumps(value[0]))
                else:
                    raw.flux_kvs_txn_unlink(txn, 0, key)
            future = Future(raw.flux_kvs_commit(self.handle, None, 0, txn))
            return future, lambda: self.committed(future, request["ops"])
        finally:
            raw.flux_kvs_txn_destroy(txn)

    def committed(self, future, ops):
        future.get()
        for verb, key, *_ in ops:
            _, is_entry, jobid = key.partition(OPEN_CLUSTERS)
            if verb == "unlink" and is_entry and int(jobid) in self.jobs:
                self.jobs[int(jobid)].epilog = True

    # A lookup is asynchronous, so that holds are posted while it waits for the KVS.

    def op_lookup(self, request):
        key = request["key"]
        future = raw.flux_kvs_lookup(self.handle, None, 0, key)
        return Future(future), lambda: text_of(future, key)

    def op_list(self, request):
        key = request["key"]
        future = raw.flux_kvs_lookup(self.handle, None, raw.FLUX_KVS_READDIR, key)
        return Future(future), lambda: names_of(future)

    def op_log(self, request):
        self.handle.log(request["level"], request["text"].replace("%", "%%"))
        return None

    def op_answer(self, request):
        msg = self.calls.pop(request["call"])
        if "errno" not in request:
            self.handle.respond(msg, request["value"])
            return None
        words = ffi.new("char[]", request["error"].encode("utf-8"))
        raw.flux_respond_error(self.handle.handle, msg.handle, request["errno"], words)
        return None

    def op_notify(self, request):
        address = os.environ.get("NOTIFY_SOCKET", "")
        if not address:
            return None
        if address.startswith("@"):
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            # A service manager that does not read must not delay the journal.
            sender.setblocking(False)
            sender.sendto(request["state"].encode("utf-8"), address)
        return None


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
