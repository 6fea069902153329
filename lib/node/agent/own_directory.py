"""Makes the directories of the cluster's user that the site's variables name."""

import os
import stat

OWN_INSTEAD = "remove it, or name a directory of the job's user"


def make_own_directory(path, may_be_shared):
    """Make a directory of this user with mode 0700, and its parents; return an error text or "".

    An existing one stays as it is. Links that another user may have planted are not followed:
    inside a directory that everybody may write to, only entries of root and of this user
    count. `may_be_shared`: it may also be a directory like /tmp.
    """
    if not path.startswith("/"):
        return "%s is not an absolute path" % (path or "an empty text")
    at, names, links = "/", path.split("/"), 0
    fd = os.open(at, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while names:
            name = names.pop(0)
            if name in ("", "."):
                continue
            above, here = os.fstat(fd), os.path.join(at, name)
            found = make_if_missing(name, fd)
            is_trusted = found.st_uid in (0, os.getuid())
            if not is_trusted and (above.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or not names):
                return "%s belongs to uid %d: %s" % (here, found.st_uid, OWN_INSTEAD)
            if stat.S_ISLNK(found.st_mode):
                links += 1
                if not is_trusted or links > 40:
                    return "%s is a link of uid %d's: %s" % (here, found.st_uid, OWN_INSTEAD)
                target = os.readlink(name, dir_fd=fd)
                names = target.split("/") + names
                if target.startswith("/"):
                    at, fd = "/", open_directory("/", fd)
                continue
            at, fd = here, open_directory(name, fd)
        own = os.fstat(fd)
    except OSError as error:
        return "%s cannot be made: %s" % (path, error.strerror)
    finally:
        os.close(fd)
    if may_be_shared and own.st_uid == 0 and own.st_mode & stat.S_ISVTX:
        return ""
    if own.st_uid != os.getuid():
        return "%s belongs to uid %d: %s" % (path, own.st_uid, OWN_INSTEAD)
    if own.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "%s is writable for others (%o): chmod 700 it" % (path, own.st_mode & 0o7777)
    return ""


def make_if_missing(name, parent):
    """The status of an entry of a directory; a missing entry is made as a directory."""
    why = None
    try:
        os.mkdir(name, 0o700, dir_fd=parent)
    except OSError as error:
        why = error
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError as error:
        raise why or error


def open_directory(name, parent):
    """Open a directory inside another one, which is then closed; a link is not followed."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(name, flags, dir_fd=parent)
    os.close(parent)
    return opened
