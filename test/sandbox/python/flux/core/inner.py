"""The parts of flux.core.inner and of cffi that our Python code uses."""

import errno
import json
import os

B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class FFI:
    NULL = None

    @staticmethod
    def new(ctype, init=None):
        """Make a char[] from bytes or a size, or an array of settable pointers."""
        if ctype == "char[]":
            return bytearray(init) if isinstance(init, int) else bytearray(init + b"\0")
        if ctype == "char *[1]":
            return [FFI.NULL]
        raise NotImplementedError("the embedded Flux has no " + ctype)

    @staticmethod
    def string(buffer):
        return bytes(buffer).partition(b"\0")[0]


def text_of(buffer):
    return None if buffer is FFI.NULL else FFI.string(buffer).decode("utf-8")


def checked(pending):
    """Return the answer's payload.  Errors have the text of Flux's C wrapper."""
    try:
        return pending.payload()
    except OSError as exc:
        name = errno.errorcode.get(exc.errno, "Errno" + str(exc.errno))
        text = "{}: {}".format(name, os.strerror(exc.errno))
        raise OSError(exc.errno, text) from None


class Raw:
    FLUX_KVS_READDIR = 1
    FLUX_KVS_APPEND = 32

    @staticmethod
    def flux_log_set_appname(handle, name):
        handle.appname = name.decode("utf-8")

    @staticmethod
    def flux_respond_error(handle, message, errnum, text):
        handle.respond_error(message, errnum, text_of(text))

    @staticmethod
    def flux_job_id_encode(jobid, kind, buffer, _size):
        if kind != "f58plain":
            raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
        digits = ""
        while jobid > 0 or not digits:
            jobid, digit = divmod(jobid, 58)
            digits = B58[digit] + digits
        encoded = b"f" + digits.encode("ascii") + b"\0"
        buffer[: len(encoded)] = encoded

    # -- the KVS

    @staticmethod
    def flux_kvs_txn_create():
        return []

    @staticmethod
    def flux_kvs_txn_destroy(txn):
        pass

    @staticmethod
    def flux_kvs_txn_put_raw(txn, flags, key, data, length):
        verb = "append" if flags & Raw.FLUX_KVS_APPEND else "put"
        txn.append([verb, key, data[:length].decode("utf-8")])

    @staticmethod
    def flux_kvs_txn_put(txn, _flags, key, json_text):
        json.loads(json_text)
        txn.append(["put", key, json_text])

    @staticmethod
    def flux_kvs_txn_unlink(txn, _flags, key):
        txn.append(["unlink", key])

    @staticmethod
    def flux_kvs_commit(handle, _namespace, _flags, txn):
        return handle.request("kvs.commit", {"ops": txn})

    @staticmethod
    def flux_kvs_lookup(handle, _namespace, flags, key):
        is_directory = bool(flags & Raw.FLUX_KVS_READDIR)
        return handle.request("kvs.lookup", {"key": key, "directory": is_directory})

    @staticmethod
    def flux_kvs_lookup_get(pending, value):
        text = checked(pending)
        value[0] = FFI.NULL if text is None else text.encode("utf-8") + b"\0"

    @staticmethod
    def flux_kvs_lookup_get_treeobj(pending, value):
        Raw.flux_kvs_lookup_get(pending, value)

    @staticmethod
    def flux_future_destroy(pending):
        pass


ffi = FFI
raw = Raw
