"""Runs `python3 -I -S -c SOURCE ARGUMENT...`, and keeps SOURCE compiled beside this file.

The agents of the tests are thousands of starts of the same text, and more than half of the time of
each start is its compilation. SOURCE stays among the arguments, where an agent finds it.
"""

import marshal
import os
import sys
import zlib


def compiled(source, file):
    """The code of the source: from the file, or compiled and then kept there."""
    try:
        with open(file, "rb") as kept:
            text, code = marshal.load(kept)
        if text == source:
            return code
    except (OSError, EOFError, TypeError, ValueError):
        pass
    code = compile(source, "<string>", "exec")
    partial = "%s.%d" % (file, os.getpid())
    try:
        with open(partial, "wb") as kept:
            marshal.dump((source, code), kept)
        os.rename(partial, file)
    except OSError:
        pass  # Another user's directory.
    return code


def main():
    directory, at = os.path.dirname(sys.argv[0]), sys.argv.index("-c")
    source = sys.argv[at + 1]
    name = "%08x.code" % zlib.crc32(source.encode("utf-8", "surrogateescape"))
    code = compiled(source, os.path.join(directory, name))
    sys.argv[: at + 2] = ["-c"]
    # The agent starts its runners with this program.
    sys.executable = os.path.join(directory, "python3")
    exec(code, {"__name__": "__main__", "__builtins__": __builtins__})


main()
