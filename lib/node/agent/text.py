"""Text that programs print: without control characters, and without lines that do not help."""

import re

LINE_MAX = 64 << 10  # bytes of a line of output
TAIL_WIDTH = 400  # characters of a line in a report
TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(line):
    """Remove terminal colours and control characters."""
    return TERMINAL.sub("", line)


def without_chatter(lines):
    """Remove docker's usage text, podman-compose's commands and Python's tracebacks.

    They follow an error and would push it out of the last lines.
    """
    kept, usage, trace, traced = [], False, False, False
    for line in lines:
        if re.match(r"Usage: +(docker|podman|nerdctl)", line):
            usage = True
        if usage:
            usage = not re.search(r" --help. for more information", line)
            continue
        if line.startswith("Traceback (most recent call last):"):
            trace = traced = True
        if trace and re.match(r"[ \t]|Traceback", line) or traced and line == "":
            continue
        trace = False
        if not re.match(
            r"\['podman', |podman volume inspect |exit code: 0$|During handling of the above"
            r" exception|Error: inspecting object: no such volume ",
            line,
        ):
            kept.append(line)
    return kept


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def exit_code(code):
    """An exit status as a shell has it: 128 plus the signal that ended the process."""
    return code if code >= 0 else 128 - code
