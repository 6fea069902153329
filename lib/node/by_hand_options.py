"""The command line of `usernetes` by hand: its verbs, their options and their help."""

import re
import textwrap

from by_hand_settings import Failure, refuse, yes_or_no

DIR = ("--workdir DIR", "a clone of usernetes; default: $TMPDIR/usernetes-<jobid>")
# By verb: usage, description, options, example.
VERBS = {
    "start-control-plane": (
        "[--workdir DIR] --worker-count N [--serial]",
        "Starts the control plane on this node, makes DIR/kubeconfig and DIR/join-command, waits"
        " until N workers are in DIR/worker-ready-cache, and until the cluster is usable: all"
        " nodes are Ready, the pod network is rolled out on each, and DNS answers."
        " USERNETES_READY=nodes or =network waits no further than that. In a cluster of one node"
        " pods may run on it; with USERNETES_SCHEDULE_ON_LEAD=yes also in others, with =no in"
        " none.",
        [
            DIR,
            ("--worker-count N", "workers beside this node; 0: a cluster of one"),
            (
                "--serial",
                "do not wait for workers: `make -C DIR sync-external-ip`, or `usernetes"
                " wait-workers`, comes when they have joined",
            ),
        ],
        "usernetes start-control-plane --workdir /opt/usernetes \\\n    --worker-count 3",
    ),
    "start-worker": (
        "[--workdir DIR]",
        "Starts a worker on this node, waits for DIR/join-command, and joins.",
        [DIR],
        "flux exec -x 0 usernetes start-worker --workdir /opt/usernetes",
    ),
    "wait-workers": (
        "[--workdir DIR] --worker-count N",
        "Waits until N workers are in DIR/worker-ready-cache, and until the cluster is usable;"
        " what start-control-plane does at its end without --serial.",
        [DIR, ("--worker-count N", "workers beside this node")],
        "usernetes wait-workers --workdir /shared/usernetes --worker-count 3",
    ),
    "down": (
        "[--workdir DIR]",
        "Removes what the cluster has on this node: container, network, volumes and image. A"
        " clone that was there before stays.",
        [DIR],
        "flux exec usernetes down --workdir /opt/usernetes",
    ),
    "clean": (
        "[--workdir DIR] [--all] [--keep-node]",
        "Removes DIR/worker-ready-cache, for another cluster in the same directory.",
        [
            DIR,
            ("--all", "remove the node too, as down does, and then DIR itself"),
            ("--keep-node", "remove no node: as without --all; refused with it"),
        ],
        "usernetes clean --workdir /tmp/usernetes-4711 --all",
    ),
}
YES_OR_NO = "yes or no (also true, on, 1, false, off, 0)"
# The Python tool of this name takes it there too, and does nothing with it.
IGNORED = {"start-control-plane": {"--all"}}


def help_of(verb):
    usage, description, options, example = VERBS[verb]
    width = 5 + max(len(option) for option, _ in options)

    def wrap(first, indent, text):
        return textwrap.fill(
            text, 79, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
        )

    return "Usage: usernetes %s %s\n\n%s\n\nOptions:\n%s\n\nExample:\n  %s\n" % (
        verb,
        usage,
        wrap("  ", "  ", description),
        "\n".join(wrap(("  " + name).ljust(width), " " * width, text) for name, text in options),
        example,
    )


def parse(verb, words):
    """The options of a verb, by name; None where its help is asked for."""
    words, options = list(words), {}
    allowed = {option.split(" ")[0] for option, _ in VERBS[verb][2]} | IGNORED.get(verb, set())
    while words:
        word = words.pop(0)
        if word in ("--help", "-h"):
            return None
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
    """The value that the Python tool has there, after `=` or as the next word; else yes."""
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
