"""The command line of `usernetes` by hand. lib/help/usernetes.ts has its help."""

import re

from by_hand_settings import Failure, refuse, yes_or_no

OPTIONS = {
    "start-control-plane": {"--workdir", "--worker-count", "--serial"},
    "start-worker": {"--workdir"},
    "wait-workers": {"--workdir", "--worker-count"},
    "down": {"--workdir"},
    "clean": {"--workdir", "--all", "--keep-node"},
}
YES_OR_NO = "yes or no (also true, on, 1, false, off, 0)"
# The Python tool of this name accepts it there too, and ignores it.
IGNORED = {"start-control-plane": {"--all"}}


def parse(verb, words):
    """The options of a verb, by name."""
    words, options = list(words), {}
    allowed = OPTIONS[verb] | IGNORED.get(verb, set())
    while words:
        word = words.pop(0)
        name, has_value, value = word.partition("=")
        takes_value = name in ("--workdir", "--worker-count")
        if takes_value and not has_value:
            if not words:
                raise Failure(2, "%s: %s needs a value", verb, name)
            value = words.pop(0)
        if name not in allowed or has_value and not takes_value and name != "--keep-node":
            text = '%s: found "%s", which is not allowed here (see usernetes %s --help)'
            raise Failure(2, text, verb, word, verb)
        if name != "--keep-node" or keeps_node(verb, value if has_value else None, words):
            options[name] = check_option(verb, name, value)
    if "--worker-count" in allowed and "--worker-count" not in options:
        text = "%s: --worker-count N is missing; 0 for a cluster of this node alone"
        raise Failure(2, text, verb)
    return options


def keeps_node(verb, value, words):
    """The value as the Python tool takes it, after `=` or as the next argument; default yes."""
    if value is None:
        value = words.pop(0) if words and yes_or_no(words[0]) is not None else "yes"
    keeps = yes_or_no(value)
    if keeps is None:
        refuse("%s: --keep-node" % verb, value, YES_OR_NO)
    return keeps


def check_option(verb, name, value):
    if name == "--workdir" and not value:
        refuse("%s: %s" % (verb, name), value, "a directory")
    if name == "--worker-count" and not re.fullmatch("[0-9]{1,7}", value):
        refuse("%s: %s" % (verb, name), value, "a whole number of workers")
    return int(value) if name == "--worker-count" else value
