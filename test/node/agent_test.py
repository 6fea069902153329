"""Unit tests of the agent's pure functions.

AGENT_PY: the agent as one file, which test/node/agent-units.test.ts makes.
"""

import errno
import importlib.util
import os
import tempfile
import unittest
from unittest import mock

spec = importlib.util.spec_from_file_location("agent", os.environ["AGENT_PY"])
agent = importlib.util.module_from_spec(spec)
spec.loader.exec_module(agent)

TOKEN = "abcdef.0123456789abcdef"


class Mask(unittest.TestCase):
    def test_mask_hides_tokens_hashes_and_data_of_a_kubeconfig(self):
        for text, masked in (
            ("--token %s --x" % TOKEN, "--token [token] --x"),
            ("%s,%s" % (TOKEN, TOKEN), "[token],[token]"),
            ("sha256:" + "0a" * 32, "sha256:[hash]"),
            ("client-key-data: " + "QUJD" * 9 + "==", "client-key-data: [data]"),
            ('"client-key-data": "%s"' % ("QUJD" * 9), '"client-key-data": "[data]"'),
            ("a.b 1.36.2 sha256:12 -data: x", "a.b 1.36.2 sha256:12 -data: x"),
        ):
            self.assertEqual(agent.mask(text), masked)

    def test_clean_removes_colours_and_control_characters(self):
        self.assertEqual(agent.clean("\x1b[1;31mred\x1b[0m\x07\r\tx\x9b \u0192"), "red\tx \u0192")

    def test_a_cut_line_ends_before_half_a_secret(self):
        for text, kept in (
            (b"token abcdef.01234", b"token "),
            (b"sha256:0a0a", b""),
            (b"no space left ", b"no space left "),
        ):
            self.assertEqual(agent.whole_words(text), kept)


class WithoutChatter(unittest.TestCase):
    def test_other_lines_are_kept(self):
        lines = ["a", "", "  b", "Usage: make", "exit code: 1"]
        self.assertEqual(agent.without_chatter(lines), lines)

    def test_the_usage_of_an_engine_is_removed(self):
        usage = ["Usage:  docker [OPTIONS]", "x", "Run 'docker --help' for more information"]
        self.assertEqual(agent.without_chatter(["a", *usage, "b"]), ["a", "b"])

    def test_a_traceback_is_removed_and_its_exception_is_kept(self):
        trace = ["Traceback (most recent call last):", '  File "x"', "    y", "KeyError: 'z'"]
        kept = ["a", "KeyError: 'z'", "b"]
        self.assertEqual(agent.without_chatter(["a", *trace, "", "b"]), kept)


class Requests(unittest.TestCase):
    def test_a_rank_is_found_in_an_idset(self):
        for rank, idset, expected in (
            (0, "0", True),
            (3, "0-2,4", False),
            (4, "0-2,4", True),
            (12, "2,10-12", True),
            (1, "10-12", False),
        ):
            self.assertEqual(agent.is_among(rank, idset), expected, (rank, idset))

    def test_the_last_line_that_is_not_blank_is_found(self):
        self.assertEqual(agent.last_line("a\n b \n\n"), "b")
        self.assertEqual(agent.last_line("\n"), "")

    def test_a_signal_gives_an_exit_code_above_128(self):
        self.assertEqual([agent.exit_code(code) for code in (0, 7, -9)], [0, 7, 137])


class Processes(unittest.TestCase):
    def test_descendants_are_found_in_other_sessions(self):
        # (pid, parent, session): 20 and 30 have left the session. 40 is not a descendant of 10.
        all_ = [(10, 1, 10), (11, 10, 10), (20, 11, 20), (30, 20, 30), (40, 1, 40)]
        with mock.patch.object(agent, "processes", lambda: all_):
            self.assertEqual(agent.descendants({10}), {10, 11, 20, 30})
            self.assertEqual(agent.children_of({20}), {20, 30})
            self.assertEqual(agent.descendants({99}), set())

    def test_only_podman_commands_that_create_something_are_waited_for(self):
        for arguments, kind in (
            (["/usr/bin/podman", "run", "-d"], "make"),
            (["podman"], "make"),
            (["podman", "exec", "x"], "client"),
            (["podman", "pull", "x"], "client"),
            (["/usr/bin/docker", "run"], "client"),
            (["sh", "podman"], "other"),
            ([], "other"),
        ):
            with mock.patch.object(agent, "arguments_of", lambda pid: arguments):
                self.assertEqual(agent.kind_of(1), kind, arguments)

    def test_no_earlier_process_is_found_without_a_work_directory(self):
        self.assertEqual(agent.find_earlier({"FLUX_URI": "local://x"}), [])


class Scope(unittest.TestCase):
    def scope(self, engine="podman", uid=1000, fails=None, group="0::/system.slice/flux.service"):
        environment = {"USERNETES_ENGINE": engine, "PATH": "/bin"}
        with mock.patch.multiple(
            agent,
            which=lambda *_: None if fails == "which" else "/bin/systemd-run",
            read_small=lambda *_: group,
        ), mock.patch.object(os, "getuid", lambda: uid), mock.patch.object(
            agent.subprocess, "check_call", side_effect=OSError if fails == "run" else None
        ) as run:
            command = agent.scope(environment)
            return command, run.call_count, environment.get("XDG_RUNTIME_DIR")

    def test_rootless_podman_runs_in_a_scope_of_the_users_manager(self):
        command = ["systemd-run", "--user", "--scope", "-q"]
        self.assertEqual(self.scope(), (command, 1, "/run/user/1000"))

    def test_no_other_engine_or_user_needs_a_scope(self):
        for given in (
            {"engine": "docker"},
            {"uid": 0},
            {"fails": "which"},
            {"fails": "run"},
            {"group": "0::/user.slice/user-1.slice/user@1.service/app.slice"},
        ):
            command, _, runtime = self.scope(**given)
            self.assertEqual((command, runtime), ([], None), given)


class Files(unittest.TestCase):
    def test_only_regular_files_are_read(self):
        with tempfile.TemporaryDirectory() as directory:
            fifo, link, file = (os.path.join(directory, name) for name in ("fifo", "link", "file"))
            os.mkfifo(fifo)
            with open(file, "w") as opened:
                opened.write("text")
            os.symlink(file, link)
            for path, text in ((fifo, ""), (link, ""), (file, "text"), (directory, "")):
                self.assertEqual(agent.read_small(path), text)
            agent.replace_file(link, "new")
            self.assertFalse(os.path.islink(link))
            self.assertEqual(agent.read_small(file), "text")

    def test_a_nodes_directory_has_its_rank_or_an_earlier_versions_host(self):
        with tempfile.TemporaryDirectory() as state:
            ranked, named = (os.path.join(state, "nodes", name) for name in ("3", "host"))
            self.assertEqual(agent.node_directory(state, "3", "host"), ranked)
            os.makedirs(named)
            self.assertEqual(agent.node_directory(state, "3", "host"), named)
            os.makedirs(ranked)
            self.assertEqual(agent.node_directory(state, "3", "host"), ranked)

    def test_a_disk_quota_is_named_with_its_user(self):
        error = OSError(errno.EDQUOT, "Disk quota exceeded")
        with tempfile.TemporaryDirectory() as directory:
            with mock.patch.object(tempfile, "NamedTemporaryFile", side_effect=error):
                self.assertEqual(
                    agent.why_full(directory, "usernetes.workdir"),
                    "the disk quota of uid %d is used up on %s (usernetes.workdir): free some,"
                    " or set usernetes.workdir to another directory" % (os.getuid(), directory),
                )

    def test_a_directory_that_can_be_written_is_not_full(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertEqual(agent.why_full(directory, "TMPDIR"), "")
            self.assertEqual(os.listdir(directory), [])


class Site(unittest.TestCase):
    """The site's variables: usernetes.environment."""

    def test_placeholders_are_replaced_and_double_braces_are_one(self):
        values = {"user": "alice", "uid": "1000", "home": "/home/a{uid}", "host": "n1"}
        for text, expected in (
            ("/tmp/{user}/{uid}-{host}", "/tmp/alice/1000-n1"),
            ("{home}/x", "/home/a{uid}/x"),
            ('{{"a": "{{user}}"}}', '{"a": "{user}"}'),
            ("$(id) `id` ${HOME}; x", "$(id) `id` ${HOME}; x"),
            ("{nothing} { user }", "{nothing} { user }"),
        ):
            self.assertEqual(agent.expand(text, values), expected)

    def test_the_node_replaces_its_own_placeholders(self):
        with mock.patch.object(os.path, "isdir", lambda _: True), mock.patch.object(
            agent, "is_socket", lambda path: path.startswith("/run/x/")
        ):
            given = {"USERNETES_HERE": "n1", "HOME": "/h", "PATH": "/bin"}
            found = agent.node_environment(
                given, {"XDG_RUNTIME_DIR": "/run/x", "PATH": "/opt/bin:/bin", "A": "{host}{home}"}
            )
        self.assertEqual(found["A"], "n1/h")
        self.assertEqual(found["PATH"], "/opt/bin:/bin")
        self.assertEqual(found["XDG_RUNTIME_DIR"], "/run/x")


class OwnDirectory(unittest.TestCase):
    def setUp(self):
        opened = tempfile.TemporaryDirectory()
        self.addCleanup(opened.cleanup)
        self.top = os.path.realpath(opened.name)

    def at(self, *names):
        return os.path.join(self.top, *names)

    def make(self, *names, may_be_shared=False):
        return agent.make_own_directory(self.at(*names), may_be_shared)

    def belongs_to(self, uid, *names):
        """Make a name in this directory appear to belong to another user."""
        real = os.stat(self.at(*names), follow_symlinks=False).st_ino

        def change(result):
            fields = list(result)
            if result.st_ino == real:
                fields[4] = uid
            return os.stat_result(fields)

        stat_, fstat_ = os.stat, os.fstat
        for name, function in (
            ("stat", lambda *a, **k: change(stat_(*a, **k))),
            ("fstat", lambda fd: change(fstat_(fd))),
        ):
            patch = mock.patch.object(os, name, function)
            patch.start()
            self.addCleanup(patch.stop)

    def test_a_directory_is_made_private_with_its_parents_and_may_exist(self):
        for _ in range(2):
            self.assertEqual(self.make("a", "b/"), "")
            for name in ("a", "a/b"):
                self.assertEqual(os.stat(self.at(name)).st_mode & 0o777, 0o700)

    def test_a_link_of_ones_own_is_followed(self):
        os.mkdir(self.at("real"))
        os.symlink("real", self.at("relative"))
        os.symlink(self.at("relative"), self.at("absolute"))
        self.assertEqual(self.make("absolute", "x"), "")
        self.assertTrue(os.path.isdir(self.at("real", "x")))

    def test_a_circle_of_links_is_refused(self):
        os.symlink("b", self.at("a"))
        os.symlink("a", self.at("b"))
        self.assertIn("is a link", self.make("a"))

    def test_a_file_of_another_user_is_refused(self):
        for kind in ("directory", "link", "file above"):
            with self.subTest(kind):
                name = kind.split(" ")[0]
                if kind == "directory":
                    os.mkdir(self.at(name))
                elif kind == "link":
                    os.symlink("/", self.at(name))
                else:
                    os.mkdir(self.at(name))
                os.chmod(self.top, 0o1777)
                self.belongs_to(4321, name)
                found = self.make(name, *(["x"] if "above" in kind else []))
                why = "%s belongs to uid 4321: %s" % (self.at(name), agent.OWN_INSTEAD)
                self.assertEqual(found, why)

    def test_a_link_of_another_user_is_not_followed(self):
        os.mkdir(self.at("real"))
        os.symlink("real", self.at("link"))
        self.belongs_to(4321, "link")
        self.assertIn("is a link of uid 4321's", self.make("link", "x"))
        self.assertFalse(os.path.exists(self.at("real", "x")))

    def test_a_directory_below_a_group_writable_one_is_not_trusted(self):
        os.mkdir(self.at("name"))
        os.chmod(self.top, 0o775)
        self.belongs_to(4321, "name")
        self.assertIn("belongs to uid 4321", self.make("name", "x"))

    def test_a_directory_that_others_may_write_to_is_refused(self):
        os.mkdir(self.at("open"))
        os.chmod(self.at("open"), 0o770)
        self.assertIn("is writable for others (770)", self.make("open"))

    def test_a_directory_like_tmp_may_be_shared_on_request(self):
        os.mkdir(self.at("tmp"))
        os.chmod(self.at("tmp"), 0o1777)
        self.belongs_to(0, "tmp")
        self.assertEqual(self.make("tmp", may_be_shared=True), "")
        self.assertNotEqual(self.make("tmp"), "")

    def test_a_directory_that_cannot_be_made_is_named_with_the_reason(self):
        with open(self.at("file"), "w"):
            pass
        self.assertIn("Not a directory", self.make("file", "x"))
        self.assertIn("cannot be made", agent.make_own_directory("/proc/none/x", False))
        self.assertIn("is not an absolute path", agent.make_own_directory("x", False))
        self.assertIn("is not an absolute path", agent.make_own_directory("", False))


if __name__ == "__main__":
    unittest.main()
