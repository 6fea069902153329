"""The environment of steps and engines on this node."""

import json
import os
import pwd
import re
import subprocess

from files import read_small, which

# Variables of the site that name a directory of the user's own.
OWN_DIRECTORIES = {"XDG_RUNTIME_DIR", "TMPDIR"}


def parse_variables(text):
    """Texts by name, from JSON; {} where that is something else."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return found if all(isinstance(value, str) for value in found.values()) else {}


def node_environment(given, site=None):
    """The request's environment, completed with the variables of this host.

    `site`: the variables of the site, with placeholders for values that only the node knows.
    """
    environment, me = dict(given), os.getuid()
    if not environment.get("HOME"):
        try:
            environment["HOME"] = pwd.getpwuid(me).pw_dir
        except KeyError:
            environment["HOME"] = "/"
    runtime = "/run/user/%d" % me
    if os.path.isdir(runtime):
        environment["XDG_RUNTIME_DIR"] = runtime
    if "USERNETES_HERE" not in environment:
        environment["USERNETES_HERE"] = hostname()
    values = placeholders(environment)
    for name, text in (site or {}).items():
        environment[name] = expand(text, values)
    environment["LANG"] = "C.UTF-8"
    return environment


def placeholders(environment):
    """The values of the placeholders in the site's variables on this node."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    uid, home, host = str(os.getuid()), environment["HOME"], environment["USERNETES_HERE"]
    return {"user": user, "uid": uid, "home": home, "host": host}


def expand(text, values):
    """A text with its placeholders replaced; {{ and }} become one brace."""

    def replace(match):
        found = match.group()
        return found[0] if found in ("{{", "}}") else values.get(found[1:-1], found)

    return re.sub(r"\{\{|\}\}|\{[a-z]+\}", replace, text)


def hostname():
    """The host name as hostname(1) prints it, which the scripts of steps use too."""
    try:
        return subprocess.check_output(["hostname"], timeout=10).decode().strip()
    except (OSError, subprocess.SubprocessError):
        return os.uname().nodename


def scope(environment):
    """The command under which podman can enter containers; [] if none is needed.

    Flux's unit has Delegate=yes, which makes the instance owner the owner of its cgroup.
    Rootless podman then stays in that cgroup, and `podman exec` may not move a process from it
    to the container's cgroup, which is under the user's own manager. From a scope of that
    manager it may.
    """
    engines = environment.get("USERNETES_ENGINES", environment.get("USERNETES_ENGINE", ""))
    if not any(os.path.basename(name) == "podman" for name in engines.split()):
        return []
    if os.getuid() == 0 or not which("systemd-run", environment.get("PATH")):
        return []
    cgroup = read_small("/proc/self/cgroup")
    if re.search(r"(?m)^0:.*/(user@[^/]*\.service/|session-[^/]*\.scope)", cgroup):
        return []
    command = ["systemd-run", "--user", "--scope", "-q"]
    # Where this directory does not exist, podman chooses another one, if the variable is not set.
    in_scope = dict({"XDG_RUNTIME_DIR": "/run/user/%d" % os.getuid()}, **environment)
    try:
        # A user without a manager (no lingering) has no such scope.
        subprocess.check_call(
            command + ["true"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=in_scope,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    environment.update(in_scope)
    return command
