"""Posts the events that hold a job: prolog-start, and epilog-start, each once."""

import errno
import sys

from messages import guarded

DESCRIPTION = {"description": "usernetes"}


def hold(handle, jobid, job):
    """Post the event without which Flux does not wait for the daemon, if one is missing."""
    name = missing(job)
    if name:
        request = {"id": jobid, "name": name, "context": DESCRIPTION}
        handle.rpc("job-manager.post-event.post", request).then(on_posted)


def missing(job):
    """The event to post now so that Flux waits for the daemon, or None."""
    over = "finish" in job.seen or "fatal" in job.seen
    if over:
        if "alloc" in job.seen and not job.epilog:
            job.epilog = True
            return "epilog-start"
    elif not job.prolog and "start" not in job.seen:
        job.prolog = True
        return "prolog-start"
    return None


@guarded
def on_posted(rpc):
    try:
        rpc.get()
    except OSError as exc:
        # ENOENT: the job has already ended, or was refused by ingest.
        if exc.errno != errno.ENOENT:
            print(f"usernetes bridge: hold: {exc}", file=sys.stderr)
