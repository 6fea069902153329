"""What a job asks for, and what has happened to it, from its jobspec and its events."""

import json

SERVICE = "usernetes"
NO = ("no", "false", "off", "0", "")
# The keys of attributes.user that belong to usernetes; a job may have others.
OPTIONS = ("", "_debug", "_engine", "_tolerate", "_schedule_on_lead", "_template")
ATTRIBUTES = tuple(SERVICE + option for option in OPTIONS)
# A longer attribute is cut: the daemon refuses it in any case.
ATTRIBUTE_MAX = 4096
# The daemon has to act for a job only from one of these events on.
ACTIONABLE_EVENTS = ("alloc", "finish", "fatal", "clean")


def within(thing, *names):
    """thing[name][name]..., or None if it does not exist: the user writes the
    jobspec."""
    for name in names:
        thing = thing.get(name) if isinstance(thing, dict) else None
    return thing


def bounded(value):
    """The value, or the start of one that is longer than any valid value."""
    try:
        text = json.dumps(value)
    except (RecursionError, ValueError):
        return ["..."]
    return value if len(text) <= ATTRIBUTE_MAX else [text[:80] + "..."]


def limit_of(jobspec):
    """The time limit in seconds; 0 if there is none, or if it is not a time."""
    duration = within(jobspec, "attributes", "system", "duration")
    is_time = isinstance(duration, (int, float)) and 0 < duration < 1e15
    return duration if is_time else 0


def asks(value):
    """Whether attributes.user.usernetes asks for a cluster, or is for the
    daemon to refuse."""
    if isinstance(value, str):
        return value.lower() not in NO
    return value is not None and value is not False and value != 0


def request_of(jobspec):
    """The usernetes* keys of attributes.user, or None if the job does not ask."""
    user = within(jobspec, "attributes", "user")
    if not asks(within(user, SERVICE)):
        return None
    return {key: bounded(user[key]) for key in ATTRIBUTES if key in user}


class Job:
    """The events of one job that asks; hold.py decides from them how to hold it."""

    def __init__(self):
        self.seen = set()
        self.prolog = False
        self.epilog = False
        self.reported = False

    def see(self, event):
        name = event["name"]
        context = event.get("context") or {}
        own = context.get("description") == SERVICE
        if name == "prolog-start":
            self.prolog = self.prolog or own
        elif name == "epilog-start":
            self.epilog = self.epilog or own
        elif name == "exception":
            if context.get("severity") == 0:
                self.seen.add("fatal")
        else:
            self.seen.add(name)

    def becomes_due(self):
        """Whether it has its nodes or has ended, and the daemon does not know yet."""
        due = not self.reported and not self.seen.isdisjoint(ACTIONABLE_EVENTS)
        self.reported = self.reported or due
        return due
