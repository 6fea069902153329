"""Reads the image archives of a site (usernetes.images), and imports them on a node.

    python3 -I -S -c SOURCE usernetes-step NONCE STEP

load-images      imports all archives into the containerd of a worker; on the lead only those
                 that kubeadm would pull, so that the control plane does not wait for the others
load-pod-images  imports the others, on the lead
list-images      reports the archives and their images through descriptor 3, and imports nothing

All archives are checked before one is imported: a broken or incomplete archive fails the step
with its name. Reading is bounded, whatever is in the directory. Safe to repeat: an archive that
this container already has is not imported again.
"""

import gzip
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import zlib

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.zst")
# The compressions that containerd reads.
UNREADABLE = (".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".zip")
MANIFEST_MAX = 4 << 20  # bytes of one manifest
MEMBERS_MAX = 20000  # files in one archive
UNPACKED_MAX = 512 << 20  # bytes that are unpacked of one archive to read its names
KUBEADM = set(
    "kube-apiserver kube-controller-manager kube-scheduler kube-proxy coredns etcd pause".split()
)


class Refused(Exception):
    """Ends the step with one line."""


class TooMuch(Exception):
    """The limit of reading was reached."""


class Limited:
    """A stream that ends with TooMuch after so many bytes."""

    def __init__(self, stream, left):
        self.stream, self.left = stream, left

    def read(self, size=-1):
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise TooMuch()
        return data


def find_archives(directory):
    """The paths of the archives in a directory, in the order of their names."""
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        text = "the image directory %s (usernetes.images) cannot be read: %s"
        raise Refused(text % (directory, error.strerror))
    found = []
    for name in names:
        path = os.path.join(directory, name)
        if name.startswith(".") or os.path.isdir(path):
            continue
        if name.lower().endswith(UNREADABLE):
            raise Refused("%s has a compression that containerd does not read: use gzip" % path)
        if name.lower().endswith(SUFFIXES):
            found.append(path)
    return found


def open_archive(path):
    """Open a regular file; refuse anything else without any wait."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused("%s cannot be read: %s" % (path, error.strerror))
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused("%s is not a regular file" % path)
    return os.fdopen(fd, "rb")


def read_names(path):
    """The names of an archive's images; None if they cannot be read in bounded time.

    Refuses a file that is not an image archive, or an incomplete one.
    """
    with open_archive(path) as file:
        magic = file.read(6)
        file.seek(0)
        if magic[:4] == b"\x28\xb5\x2f\xfd":
            # zstd: Python cannot read it, containerd can.
            return None
        if magic[:2] != b"\x1f\x8b":
            return names_of(path, lambda: tarfile.open(fileobj=file, mode="r:"))
        unpacked = Limited(gzip.GzipFile(fileobj=file), UNPACKED_MAX)
        try:
            return names_of(path, lambda: tarfile.open(fileobj=unpacked, mode="r|"))
        except TooMuch:
            return None


def names_of(path, open_tar):
    members, texts = set(), {}
    try:
        with open_tar() as tar:
            for member in tar:
                name = os.path.normpath(member.name)
                members.add(name)
                if len(members) > MEMBERS_MAX:
                    raise Refused("%s has more than %d files" % (path, MEMBERS_MAX))
                if is_wanted(name, member):
                    texts[name] = tar.extractfile(member).read(MANIFEST_MAX)
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise incomplete(path, error) if members else not_one(path, error)
    try:
        names, missing = parse_manifests(members, texts)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise not_one(path, "its manifest is broken")
    if names is None:
        raise not_one(path, "it has neither manifest.json nor index.json")
    if missing:
        raise incomplete(path, "it has no %s" % missing[0])
    return names


def not_one(path, why):
    text = "%s is not an image archive (OCI or docker): %s; replace or remove it (usernetes.images)"
    return Refused(text % (path, why))


def incomplete(path, why):
    text = "%s is an incomplete image archive (OCI or docker): %s; copy it again (usernetes.images)"
    return Refused(text % (path, why))


def is_wanted(name, member):
    """Whether it is a manifest; the manifests among an OCI archive's blobs are small."""
    if not member.isfile() or member.size > MANIFEST_MAX:
        return False
    return name in ("manifest.json", "index.json") or (
        name.startswith("blobs/") and member.size <= 65536
    )


def parse_manifests(members, texts):
    """(names, missing): of a docker or an OCI archive; names=None: the archive is neither."""
    if "manifest.json" in texts:
        images = json.loads(texts["manifest.json"].decode())
        names = [name for image in images for name in image.get("RepoTags") or []]
        parts = [part for image in images for part in [image["Config"]] + image["Layers"]]
        return names, [part for part in parts if os.path.normpath(part) not in members]
    if "index.json" not in texts:
        return None, []
    images = json.loads(texts["index.json"].decode())["manifests"]
    names, missing, there = [], [], 0
    for image in images:
        notes = image.get("annotations") or {}
        name = notes.get("io.containerd.image.name") or notes.get(
            "org.opencontainers.image.ref.name"
        )
        names += [name] if name else []
        blob = blob_of(image)
        if blob not in members:
            missing.append(blob)
            continue
        there += 1
        manifest = json.loads(texts[blob].decode()) if blob in texts else {}
        parts = ([manifest["config"]] if "config" in manifest else []) + manifest.get("layers", [])
        missing += [blob_of(part) for part in parts if blob_of(part) not in members]
    # An archive may have one platform of an image for many.
    is_partial = there > 0 and len(images) > there
    return names, [] if is_partial else missing


def blob_of(descriptor):
    return "blobs/" + descriptor["digest"].replace(":", "/", 1)


def is_for_kubeadm(names):
    """Whether kubeadm would pull one of them; true if they are unknown."""
    if names is None:
        return True
    bases = [re.sub(r"[:@].*", "", name.rpartition("/")[2]) for name in names]
    return any(base in KUBEADM for base in bases)


def describe(path, names):
    if names is None:
        return "%s (images not read)" % os.path.basename(path)
    wrong = ", which is not a valid name"
    shown = [name if re.search("[/:@]", name) else name + wrong for name in names]
    return "%s: %s" % (os.path.basename(path), ", ".join(shown) or "no name: pods cannot use it")


# -- the node's container --------------------------------------------------------------


class Node:
    """The containerd in this node's container."""

    def __init__(self, environment):
        self.engine = environment["USERNETES_ENGINE"]
        self.workdir = environment["USERNETES_WORKDIR"]
        # The tests' engines identify a cluster by it.
        self.environment = dict(environment, KUBECONFIG=self.workdir + "/kubeconfig")
        nodes = os.path.join(self.workdir, ".usernetes", "nodes")
        names = (environment["USERNETES_RANK"], environment["USERNETES_HERE"])
        own = [os.path.join(nodes, name) for name in names]
        self.directory = next((path for path in own if os.path.isfile(path + "/up.done")), own[0])
        self.container = self.read("up.done").split("\n")[0].strip()
        if not re.match(r"[A-Za-z0-9_][A-Za-z0-9_.-]*$", self.container):
            raise Refused("the node's container is not known: `up` has not ended here")
        self.done = self.read("images.done").split("\n")

    def read(self, name):
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            fd = os.open(os.path.join(self.directory, name), flags)
        except OSError:
            return ""
        with os.fdopen(fd, "rb") as file:
            return file.read(1 << 20).decode("utf-8", "replace")

    def run(self, command, stdin=subprocess.DEVNULL):
        """(status, output) of a command in the container."""
        child = subprocess.Popen(
            [self.engine, "exec", "-i", self.container] + command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
        )
        output = child.stdout.read(1 << 16).decode("utf-8", "replace")
        while child.stdout.read(1 << 16):
            pass
        return child.wait(), output.strip()

    def snapshotter(self):
        """The options of ctr for the snapshotter that pods use, which may not be ctr's own."""
        status, output = self.run(["containerd", "config", "dump"])
        found = re.search(r"""(?m)^\s*snapshotter = ["']([\w.-]+)["']""", output)
        return ["--snapshotter", found.group(1)] if status == 0 and found else []

    def load(self, paths):
        options = self.snapshotter() if paths else []
        for place, path in enumerate(paths):
            with open_archive(path) as file:
                about = os.fstat(file.fileno())
                mark = "%d %d %s" % (about.st_size, about.st_mtime_ns, path)
                if mark in self.done:
                    say("%s: loaded before" % path)
                    continue
                report("%s (%d of %d)" % (os.path.basename(path), place + 1, len(paths)))
                run = ["ctr", "-n", "k8s.io", "images", "import"] + options + ["-"]
                status, output = self.run(run, file)
            say(output)
            if status != 0:
                lines = output.split("\n") or [""]
                text = "containerd does not import the image archive %s: %s"
                raise Refused(text % (path, lines[-1] or "exit %d" % status))
            with open(os.path.join(self.directory, "images.done"), "a") as file:
                file.write(mark + "\n")
            say("%s: loaded" % path)


def say(text):
    print(text, flush=True)


def report(text):
    """Report what the step waits for, or has found."""
    try:
        os.write(3, text.encode("utf-8", "replace") + b"\n")
    except OSError:
        pass


def main(step, environment):
    directory = environment["USERNETES_IMAGES"]
    archives = [(path, read_names(path)) for path in find_archives(directory)]
    if not archives:
        say("%s (usernetes.images) has no archives" % directory)
    for path, names in archives:
        say(describe(path, names))
        if step == "list-images":
            report(describe(path, names))
    if step == "list-images":
        return
    is_lead = environment["USERNETES_RANK"] == environment["USERNETES_LEAD"]
    is_first = step == "load-images"
    wanted = [
        path for path, names in archives if not is_lead or is_for_kubeadm(names) == is_first
    ]
    Node(environment).load(wanted)


if __name__ == "__main__":
    try:
        main(sys.argv[3], dict(os.environ))
    except Refused as refused:
        print(refused, file=sys.stderr)
        sys.exit(1)
