"""Unit tests of lib/node/steps/parts/images.py, which reads image archives.

By hand: python3 test/node/images_test.py
"""

import gzip
import importlib.util
import io
import json
import os
import tarfile
import tempfile
import unittest
import zlib

TOP = os.path.join(os.path.dirname(__file__), "..", "..")
PATH = os.path.join(TOP, "lib", "node", "steps", "parts", "images.py")
spec = importlib.util.spec_from_file_location("images", PATH)
images = importlib.util.module_from_spec(spec)
spec.loader.exec_module(images)

DIGEST = "sha256:" + "0a" * 32
INCOMPLETE = (
    "ARCHIVE is an incomplete image archive (OCI or docker): it has no %s;"
    " copy it again (usernetes.images)"
)


def docker(*names, layers=("l/layer.tar",), leave_out=()):
    manifest = [{"Config": "c.json", "RepoTags": list(names), "Layers": list(layers)}]
    files = {"c.json": b"{}", "l/layer.tar": b"x" * 3000, "manifest.json": dump(manifest)}
    return tar({name: files[name] for name in files if name not in leave_out})


def oci(*names, leave_out=()):
    blob = "blobs/" + DIGEST.replace(":", "/")
    layer = "sha256:" + "0b" * 32
    manifest = {"config": {"digest": layer}, "layers": [{"digest": layer}]}
    index = [
        {"digest": DIGEST, "annotations": {"org.opencontainers.image.ref.name": name}}
        for name in names
    ]
    files = {
        "oci-layout": b"{}",
        blob: dump(manifest),
        "blobs/" + layer.replace(":", "/"): b"x" * 3000,
        "index.json": dump({"manifests": index}),
    }
    return tar({name: files[name] for name in files if name not in leave_out})


def dump(value):
    return json.dumps(value).encode()


def tar(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return buffer.getvalue()


class Archives(unittest.TestCase):
    def setUp(self):
        opened = tempfile.TemporaryDirectory()
        self.addCleanup(opened.cleanup)
        self.top = opened.name

    def write(self, name, data):
        path = os.path.join(self.top, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def refused(self, name, data):
        path = self.write(name, data)
        with self.assertRaises(images.Refused) as caught:
            images.read_names(path)
        text = str(caught.exception)
        self.assertIn(path, text)
        return text.replace(path, "ARCHIVE")

    def test_names_are_read_from_docker_and_oci_archives_compressed_or_not(self):
        for data, names in (
            (docker("a/b:1", "c:2"), ["a/b:1", "c:2"]),
            (docker(), []),
            (oci("ghcr.io/x/y:1", "z/z:2"), ["ghcr.io/x/y:1", "z/z:2"]),
        ):
            self.assertEqual(images.read_names(self.write("a.tar", data)), names)
            self.assertEqual(images.read_names(self.write("a.tgz", gzip.compress(data))), names)

    def test_an_incomplete_archive_is_refused_wherever_it_ends(self):
        for data in (docker("a:1"), oci("a/a:1")):
            for end in range(600, len(data.rstrip(b"\0")), 512):
                text = self.refused("a.tar", data[:end])
                self.assertRegex(text, "^ARCHIVE is (not an|an incomplete) image archive")
                packed = gzip.compress(data)
                self.refused("a.tgz", packed[: len(packed) * end // len(data)])

    def test_a_broken_compression_is_refused(self):
        packed = bytearray(gzip.compress(docker("a:1", "b:2")))
        for place in range(12, len(packed) - 8, 7):
            broken = bytearray(packed)
            broken[place] ^= 0xFF
            try:
                images.read_names(self.write("a.tgz", bytes(broken)))
            except images.Refused as error:
                self.assertIn("a.tgz", str(error))

    def test_an_error_of_the_decompression_names_the_archive(self):
        def broken():
            raise zlib.error("Error -3 while decompressing data")

        with self.assertRaises(images.Refused) as caught:
            images.names_of("a.tgz", broken)
        self.assertIn("a.tgz is not an image archive", str(caught.exception))

    def test_an_archive_without_one_of_its_parts_is_incomplete(self):
        self.assertEqual(
            self.refused("a.tar", docker("a:1", leave_out=["l/layer.tar"])),
            INCOMPLETE % "l/layer.tar",
        )
        blob = "blobs/" + DIGEST.replace(":", "/")
        self.assertEqual(
            self.refused("a.tar", oci("a/a:1", leave_out=[blob])),
            INCOMPLETE % blob,
        )

    def test_a_file_that_is_not_an_image_archive_is_refused(self):
        for data in (
            b"",
            b"hello",
            b"x" * 5000,
            gzip.compress(b"hello"),
            tar({"a": b"x"}),
            tar({"manifest.json": b"{"}),
            tar({"manifest.json": b"[1]"}),
            tar({"index.json": b"[]"}),
        ):
            self.assertIn("ARCHIVE is not an image archive", self.refused("a.tar", data))

    def test_a_fifo_or_a_file_that_cannot_be_read_is_not_waited_for(self):
        path = os.path.join(self.top, "a.tar")
        os.mkfifo(path)
        with self.assertRaises(images.Refused):
            images.read_names(path)
        self.assertEqual(images.find_archives(self.top), [path])
        os.symlink("nothing", os.path.join(self.top, "b.tar"))
        with self.assertRaises(images.Refused):
            images.read_names(os.path.join(self.top, "b.tar"))

    def test_an_archive_is_read_up_to_a_limit(self):
        zeros = gzip.compress(docker("a:1", layers=["l/layer.tar"]) + bytes(1 << 20))
        images.UNPACKED_MAX, before = 2000, images.UNPACKED_MAX
        try:
            self.assertIsNone(images.read_names(self.write("a.tgz", zeros)))
        finally:
            images.UNPACKED_MAX = before
        many = tar({"f%d" % place: b"" for place in range(30)})
        images.MEMBERS_MAX, before = 20, images.MEMBERS_MAX
        try:
            self.assertIn("has more than 20 files", self.refused("a.tar", many))
        finally:
            images.MEMBERS_MAX = before

    def test_zstd_is_not_read_but_passed_to_containerd(self):
        self.assertIsNone(images.read_names(self.write("a.tar.zst", b"\x28\xb5\x2f\xfd...")))

    def test_the_archives_of_a_directory_are_found_by_their_names(self):
        for name in ("b.tar", "a.TGZ", "README", ".hidden.tar", "c.tar.zst"):
            self.write(name, b"")
        os.mkdir(os.path.join(self.top, "d.tar"))
        os.symlink("b.tar", os.path.join(self.top, "e.tar"))
        found = [os.path.basename(path) for path in images.find_archives(self.top)]
        self.assertEqual(found, ["a.TGZ", "b.tar", "c.tar.zst", "e.tar"])
        self.write("f.tar.xz", b"")
        with self.assertRaises(images.Refused):
            images.find_archives(self.top)
        with self.assertRaises(images.Refused):
            images.find_archives(os.path.join(self.top, "none"))

    def test_images_of_kubeadm_come_first_and_so_do_unknown_ones(self):
        for names, is_first in (
            (["registry.k8s.io/kube-proxy:v1.35.0"], True),
            (["site.example:5000/mirror/pause@sha256:0a"], True),
            (["ghcr.io/flannel-io/flannel:v0.26", "a/etcd-tool:1"], False),
            ([], False),
            (None, True),
        ):
            self.assertEqual(images.is_for_kubeadm(names), is_first, names)

    def test_descriptions_name_an_image_that_pods_cannot_use(self):
        found = images.describe("/i/a.tar", ["x/y:1", "latest"])
        self.assertEqual(found, "a.tar: x/y:1, latest, which is not a valid name")
        self.assertEqual(images.describe("/i/a.tar", []), "a.tar: no name: pods cannot use it")


if __name__ == "__main__":
    unittest.main()
