"""Files and directories, looked at without following what another user may have put there."""

import errno
import os
import stat

# shutil and tempfile are imported where they are needed: they double the time of a start.


def is_directory(path):
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def size_of(path):
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def is_socket(path):
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def open_regular(path, flags):
    """Open a regular file. A link, a fifo or a device raises OSError without any wait."""
    fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return fd


def read_small(path, limit=4096):
    """The text of a small regular file, or "" if it does not exist."""
    try:
        fd = open_regular(path, os.O_RDONLY)
    except OSError:
        return ""
    with os.fdopen(fd, "rb") as file:
        return file.read(limit).decode("utf-8", "replace")


def replace_file(path, text):
    """Write a private file that replaces any file of that name."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "w") as file:
        file.write(text)


def temporary_directory(environment=os.environ):
    return environment.get("TMPDIR") or "/tmp"


def which(program, path):
    """The path of a program; None if it is not on the PATH."""
    for directory in (path or os.defpath).split(":"):
        name = os.path.join(directory, program)
        if os.path.isfile(name) and os.access(name, os.X_OK):
            return name
    return None


def remove_tree(path):
    import shutil

    shutil.rmtree(path, ignore_errors=True)


def is_own_directory(path):
    return is_directory(path) and os.lstat(path).st_uid == os.getuid()


def list_directory(path):
    try:
        return os.listdir(path)
    except OSError:
        return []
