"""The site's variables (usernetes.environment) on this node, and the directories that they name."""

import json
import os

from environment import OWN_DIRECTORIES, node_environment
from files import is_directory, is_socket, read_small, replace_file
from own_directory import make_own_directory
from place import SITE, SITE_MAX, Place, owner_of


class SiteVariables:
    """The environment of a request, with the site's variables."""

    def __init__(self, given, site):
        self.variables, self.whole = site, node_environment(given, site)
        # Without the variables whose directories cannot exist yet.
        self.environment = dict(self.whole)

    def make_directories(self):
        """Make the user's directories that the variables name; return an error text or "".

        A directory in the work directory is made only when that has this cluster's marker:
        `stage` checks the owner and writes the marker. Until then its variable is not set.
        """
        workdir = self.whole.get("USERNETES_WORKDIR", "")
        self.environment = dict(self.whole)
        for name in sorted(OWN_DIRECTORIES & set(self.variables)):
            path = self.whole[name]
            is_ready = is_directory(workdir) and owner_of(workdir) == self.marker()
            if workdir and path.startswith(workdir + "/") and not is_ready:
                del self.environment[name]
                continue
            reason = make_own_directory(path, name == "TMPDIR")
            if reason:
                return "%s (usernetes.environment): %s" % (name, reason)
        # A step, or a hook, may have started the engine.
        runtime = self.environment.get("XDG_RUNTIME_DIR", "/run/user/%d" % os.getuid())
        if is_socket(runtime + "/docker.sock"):
            self.environment.setdefault("DOCKER_HOST", "unix://%s/docker.sock" % runtime)
        return ""

    def keep(self):
        """Keep the variables in a work directory of this cluster, for its teardown.

        The daemon has them in the cluster's entry; a daemon that has lost the entry asks for
        them here (workdir_search.py). Nodes that share the directory write the same.
        """
        place, marker = Place(self.environment), self.marker()
        is_own = marker and owner_of(place.workdir) == marker and place.is_real()
        if not self.variables or not is_own:
            return
        path, text = os.path.join(place.state, SITE), json.dumps(self.variables, sort_keys=True)
        if read_small(path, SITE_MAX) == text:
            return
        try:
            replace_file("%s.%s" % (path, place.member), text)
            os.rename("%s.%s" % (path, place.member), path)
        except OSError:
            # Without it, a teardown uses the variables of its moment.
            pass

    def marker(self):
        return self.whole.get("USERNETES_MARKER", "").split()
