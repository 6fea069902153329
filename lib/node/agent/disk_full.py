"""Why nothing can be written to a directory."""

import errno
import os

from files import temporary_directory


def why_full(directory, key):
    """Why a directory cannot be written to, in one line; "" if it can.

    The errors of shells and programs name neither the file system nor a remedy.
    """
    if not os.path.isdir(directory):
        return ""
    import tempfile

    try:
        with tempfile.NamedTemporaryFile(dir=directory, prefix=".usernetes.") as file:
            file.write(bytes(65536))
            file.flush()
        return ""
    except OSError as error:
        where = directory + (" (%s)" % key if key else "")
        other = "set %s to another directory" % (key or "the work directory")
        if error.errno == errno.EROFS:
            return "the file system of %s is read-only: %s" % (where, other)
        if error.errno == errno.EDQUOT:
            reason = "the disk quota of uid %d is used up on" % os.getuid()
        elif error.errno == errno.ENOSPC:
            reason = "no inodes left on" if has_no_inodes(directory) else "no space left on"
        else:
            return ""
        return "%s %s: free some, or %s" % (reason, where, other)


def has_no_inodes(directory):
    usage = os.statvfs(directory)
    return usage.f_files > 0 and usage.f_ffree == 0


def why_step_full(environment):
    """The same for the directories that a step writes to."""
    workdir = environment["USERNETES_WORKDIR"]
    if environment.get("USERNETES_KEEP"):
        reason = why_full(workdir, "")
    else:
        reason = why_full(os.path.dirname(workdir), "usernetes.workdir")
    return reason or why_full(temporary_directory(environment), "TMPDIR")
