"""The settings of a caller of `usernetes` by hand: checks them, and makes the steps' environment.

Pure functions of their arguments. `given` is the caller's environment. A value that is not
allowed raises a Failure with one line: what was found, and what is allowed.
"""

import os
import re


# As lib/config/schema.ts has them; a test compares the two.
ADJUSTMENTS = (
    "kubernetes-version no-leader-election controller-rate host-docker-internal one-sync"
    " parallel-sync signed-token ecdsa-keys etcd-no-fsync"
).split()
DEFAULT_ADJUSTMENTS = ADJUSTMENTS[:-1]


class Failure(Exception):
    """Ends the command with a status and one line."""

    def __init__(self, status, text, *values):
        super().__init__(text % values)
        self.status = status


def refuse(name, value, allowed):
    raise Failure(2, '%s: found "%s", allowed: %s', name, value, allowed)


def one_of(given, name, *allowed):
    """The value of a variable; the first allowed value if it is not set."""
    value = given.get(name) or allowed[0]
    if value not in allowed:
        refuse(name, value, "%s or %s" % (", ".join(allowed[:-1]), allowed[-1]))
    return value


# As lib/cluster/request.ts has them; a test compares the two.
YES = ("yes", "true", "on", "1")
NO = ("no", "false", "off", "0", "")


def yes_or_no(value):
    """True or False; None for anything else."""
    word = value.lower()
    return False if word in NO else True if word in YES else None


def compose_command(engine):
    """The compose command of an engine, which may be a path."""
    kind = os.path.basename(engine)
    if kind not in ("docker", "podman", "nerdctl"):
        refuse("CONTAINER_ENGINE", engine, "docker, podman or nerdctl")
    if not re.fullmatch("[A-Za-z0-9_./-]+", engine):
        refuse("CONTAINER_ENGINE", engine, "a path of letters, digits and _ . -")
    return "podman-compose" if kind == "podman" else engine + " compose"


def node_settings(given, template_ports):
    """The text of node.env: the caller's settings, under both generations of names.

    `template_ports`: the template's own ports, by name. sh reads the lines later: a value
    that sh could interpret is refused.
    """
    lines = []
    for name in template_ports:
        if given.get(name):
            check_port(name, given, template_ports)
            lines.append("%s=%s" % (name, given[name]))
    for name, check in CHECKS:
        value = given.get(name) or given.get("U7S_" + name)
        if value:
            check(name, value)
            lines += ["%s=%s" % (name, value), "U7S_%s=%s" % (name, value)]
    return "\n".join(lines) + "\n"


def port_variables(given):
    """`NAME=` of each further variable that is a port, as in usernetes.port-variables."""
    names = given.get("USERNETES_PORT_VARIABLES", "").split()
    for name in names:
        if not re.fullmatch("[A-Z_][A-Z0-9_]{0,62}", name):
            refuse("USERNETES_PORT_VARIABLES", name, "names of variables, like PORT_CALICO")
    return [name + "=" for name in names]


def check_port(name, given, template_ports):
    value = given[name]
    if not re.fullmatch("[1-9][0-9]{0,4}", value) or int(value) > 65535:
        refuse(name, value, "a port, 1 to 65535")
    for other, default in template_ports.items():
        if other != name and (given.get(other) or default) == value:
            text = '%s: found "%s", which %s has too: each needs a port of its own'
            raise Failure(2, text, name, value, other)


def is_address(text):
    parts = text.split(".")
    is_part = re.compile("0|[1-9][0-9]{0,2}").fullmatch
    return len(parts) == 4 and all(is_part(part) and int(part) <= 255 for part in parts)


def check_address(name, value):
    if not is_address(value):
        refuse(name, value, "an IPv4 address")


def check_name(name, value):
    """Whether Kubernetes and sethostname(2) accept it as the name of a node."""
    label = "[a-z0-9]+(-+[a-z0-9]+)*"
    if not re.fullmatch(r"%s(\.%s)*" % (label, label), value):
        refuse(name, value, "lower-case letters, digits, - and . as in a host name (RFC 1123)")
    if len(value) > 63:
        text = '%s: found "%s" with %d characters, allowed: 63'
        raise Failure(2, text, name, value, len(value))


def check_subnet(name, value):
    """Whether it is a subnet from which the template can make the node's address, X.Y.Z.100."""
    if not value.endswith(".0/24") or not is_address(value[:-len("/24")]):
        refuse(name, value, "a /24, as 10.100.1.0/24")


CHECKS = (("HOST_IP", check_address), ("NODE_NAME", check_name), ("NODE_SUBNET", check_subnet))


def project_of(workdir, given):
    """The compose project; by default the directory's name, as compose derives it."""
    name = re.sub("[^A-Za-z0-9_-]", "", os.path.basename(workdir)).lower().lstrip("_-")
    project = given.get("COMPOSE_PROJECT_NAME") or name
    if not re.fullmatch("[a-z0-9_-]+", project):
        text = "%s: no compose project can be named after it; set COMPOSE_PROJECT_NAME to "
        raise Failure(1, text + "lower-case letters, digits, - and _", workdir)
    return project


def job_directory(jobid, given):
    """The work directory of a job, by its name; in a locale without ƒ it has f."""
    mark, start = os.fsdecode("ƒ".encode()), ""
    if jobid.startswith((mark, "f")):
        jobid, start = jobid[len(mark if jobid.startswith(mark) else "f"):], mark
    name = re.sub("[A-Z]+", lambda match: match.group().lower(), jobid)
    return "%s/usernetes-%s%s" % (given.get("TMPDIR") or "/tmp", start, name)


def is_join_command(text):
    """Whether it is complete, and from kubeadm: the file may be incomplete while it is written."""
    return text.endswith("\n") and re.search("(?m)^kubeadm join .", text) is not None


def adjustments(given, serial):
    """The adjustments, by default those of usernetes.adjustments (lib/config/schema.ts).

    With --serial no step after kubeadm-init sets the addresses.
    """
    names = given.get("USERNETES_ADJUSTMENTS", " ".join(DEFAULT_ADJUSTMENTS)).split()
    for name in names:
        if name not in ADJUSTMENTS:
            text = 'USERNETES_ADJUSTMENTS: found "%s", allowed: %s'
            raise Failure(2, text, name, " ".join(ADJUSTMENTS))
    return " ".join(name for name in names if not (serial and name == "one-sync"))


def make_target(given, step, default):
    """A make target, as in usernetes.make (lib/config/check.ts); "": no network is installed."""
    name = "USERNETES_MAKE_" + step
    target = given.get(name, default)
    if not target and step == "NETWORK":
        return target
    if not re.fullmatch("[A-Za-z0-9_][A-Za-z0-9_./-]{0,63}", target):
        none = ', or "" for none' if step == "NETWORK" else ""
        refuse(name, target, "a target of the template's Makefile" + none)
    return target


def steps_environment(given, place):
    """The environment of the steps, as in lib/node/environment.ts."""
    engine, project = place["engine"], place["project"]
    compose = "%s -p %s" % (compose_command(engine), project)
    own = {
        "WORKDIR": place["workdir"],
        "PROJECT": project,
        "MARKER": place["marker"],
        "ENGINE": engine,
        "HERE": place["host"],
        "LEAD": place["lead"],
        "SIZE": str(place["size"]),
        "SHARED": "auto",
        # The directory is the caller's.
        "KEEP": "yes",
        "READY": one_of(given, "USERNETES_READY", "dns", "nodes", "network"),
        "SCHEDULE_ON_LEAD": one_of(given, "USERNETES_SCHEDULE_ON_LEAD", "auto", "yes", "no"),
        "ADJUSTMENTS": adjustments(given, place["serial"]),
        "MAKE_UP": make_target(given, "UP", "up"),
        "MAKE_NETWORK": make_target(given, "NETWORK", "install-flannel"),
    }
    own.update(dict.fromkeys(("WITHOUT", "SUBNET", "RANKS", "RANK"), ""))
    return dict(
        given,
        CONTAINER_ENGINE=engine,
        COMPOSE=given.get("COMPOSE") or compose,
        COMPOSE_PROJECT_NAME=project,
        # flux exec passes on the variable of another node.
        HOSTNAME=place["host"],
        **{"USERNETES_" + name: value for name, value in own.items()}
    )
