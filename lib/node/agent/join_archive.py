"""Extracts join commands from their archives, which only the instance owner may read."""

import os
import subprocess

from caller import Gone, LineReader
from disk_full import why_full
from files import (
    is_own_directory,
    list_directory,
    read_small,
    remove_tree,
    temporary_directory,
)
from text import last_line

EXTRACT_S = 50  # seconds that flux archive extract may take


class JoinArchive:
    """A copy is in a private directory for a moment, and is removed before a step starts."""

    def __init__(self, private):
        """`private`: the prefix of the names of the private directories."""
        self.private = private

    def extract(self, steps, caller):
        """Extract the join command for each step that needs one; return an error text, or ""."""
        for step in steps:
            if "archive" not in step:
                continue
            directory = private_path(self.private) + "." + os.urandom(8).hex()
            try:
                os.mkdir(directory, 0o700)
            except OSError as error:
                return why_full(temporary_directory(), "TMPDIR") or str(error)
            try:
                reason = extract_to(step["archive"], directory, caller)
                if reason:
                    return reason
                step["put"] = read_small(os.path.join(directory, "join-command"), 65536)
                if not step["put"].strip():
                    return "the archive %s has no join-command" % step["archive"]
            finally:
                remove_tree(directory)
        return ""

    def remove_copies(self):
        """Remove the copies that a killed agent left behind."""
        for entry in list_directory(temporary_directory()):
            path = private_path(entry)
            if entry.startswith(self.private + ".") and is_own_directory(path):
                remove_tree(path)


def extract_to(archive, directory, caller):
    """Extract an archive to a directory; return an error text, or ""."""
    command = ["flux", "archive", "extract", "--name", archive, "-C", directory]
    child = subprocess.Popen(
        # The KVS of this rank may see the archive later than the daemon's rank does.
        command + ["--waitcreate=10s"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    printed = []
    try:
        is_whole = caller.read_lines(LineReader(child.stdout.fileno(), printed.append), EXTRACT_S)
    except Gone:
        child.kill()
        raise
    if not is_whole:
        child.kill()
        return "flux archive extract timed out after %d s" % EXTRACT_S
    if child.wait() == 0:
        return ""
    return why_full(temporary_directory(), "TMPDIR") or last_line("\n".join(printed))


def private_path(name):
    return os.path.join(temporary_directory(), name)
