"""The requests of the daemon, each with "seq" and "op": bridge.py lists them."""

import errno
import json
import os
import socket

from flux.core.inner import ffi, raw
from flux.future import Future

from messages import emit, guarded

# The entries of clusters that may have resources on their nodes: usernetes.cluster.JOBID.
OPEN_CLUSTERS = "usernetes.cluster."
# Bytes of a value that are passed to the daemon.
LOOKUP_MAX = 12 << 20


class DaemonRequests:
    def __init__(self, handle, jobs, calls):
        self.handle, self.jobs, self.calls = handle, jobs, calls

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
