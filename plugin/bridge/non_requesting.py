"""Marks the jobs that do not ask for a cluster, for Flux's own prolog and epilog."""

import os
import shutil

from flux.core.inner import ffi, raw


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
