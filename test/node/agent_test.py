"""The pure functions of the agent, by themselves: python3 test/node/agent_test.py"""

import importlib.util
import os
import tempfile
import unittest
from unittest import mock

PATH = os.path.join(os.path.dirname(__file__), "..", "..", "lib", "node", "agent.py")
spec = importlib.util.spec_from_file_location("agent", os.environ.get("AGENT_PY", PATH))
agent = importlib.util.module_from_spec(spec)
spec.loader.exec_module(agent)

TOKEN = "abcdef.0123456789abcdef"


class Mask(unittest.TestCase):
    def test_hides_tokens_hashes_and_data_of_a_kubeconfig(self):
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

    def test_a_beginning_of_a_line_ends_before_half_a_secret(self):
        for text, kept in (
            (b"token abcdef.01234", b"token "),
            (b"sha256:0a0a", b""),
            (b"no space left ", b"no space left "),
        ):
            self.assertEqual(agent.whole_words(text), kept)


class WithoutChatter(unittest.TestCase):
    def test_keeps_what_is_no_chatter(self):
        lines = ["a", "", "  b", "Usage: make", "exit code: 1"]
        self.assertEqual(agent.without_chatter(lines), lines)

    def test_removes_the_usage_of_an_engine_to_its_end(self):
        usage = ["Usage:  docker [OPTIONS]", "x", "Run 'docker --help' for more information"]
        self.assertEqual(agent.without_chatter(["a", *usage, "b"]), ["a", "b"])

    def test_removes_tracebacks_and_keeps_the_exception(self):
        trace = ["Traceback (most recent call last):", '  File "x"', "    y", "KeyError: 'z'"]
        kept = ["a", "KeyError: 'z'", "b"]
        self.assertEqual(agent.without_chatter(["a", *trace, "", "b"]), kept)


class Requests(unittest.TestCase):
    def test_is_among_an_idset(self):
        for rank, idset, expected in (
            (0, "0", True),
            (3, "0-2,4", False),
            (4, "0-2,4", True),
            (12, "2,10-12", True),
            (1, "10-12", False),
        ):
            self.assertEqual(agent.is_among(rank, idset), expected, (rank, idset))

    def test_last_line(self):
        self.assertEqual(agent.last_line("a\n b \n\n"), "b")
        self.assertEqual(agent.last_line("\n"), "")

    def test_exit_code_of_a_signal(self):
        self.assertEqual([agent.exit_code(code) for code in (0, 7, -9)], [0, 7, 137])


class Processes(unittest.TestCase):
    def test_descendants_are_found_in_other_sessions(self):
        # (pid, parent, session): 20 has left the session, 30 too; 40 is another's.
        all_ = [(10, 1, 10), (11, 10, 10), (20, 11, 20), (30, 20, 30), (40, 1, 40)]
        with mock.patch.object(agent, "processes", lambda: all_):
            self.assertEqual(agent.descendants({10}), {10, 11, 20, 30})
            self.assertEqual(agent.children_of({20}), {20, 30})
            self.assertEqual(agent.descendants({99}), set())

    def test_podman_is_waited_for_where_it_makes_something(self):
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

    def test_nothing_is_earlier_without_a_work_directory(self):
        self.assertEqual(agent.find_earlier({"FLUX_URI": "local://x"}, "n0nce"), [])


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

    def test_nothing_else_does(self):
        for given in (
            {"engine": "docker"},
            {"uid": 0},
            {"fails": "which"},
            {"fails": "run"},
            {"group": "0::/user.slice/user-1.slice/user@1.service/app.slice"},
        ):
            self.assertEqual(self.scope(**given)[0], [], given)


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

    def test_a_directory_that_can_be_written_is_not_full(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertEqual(agent.why_full(directory, "TMPDIR"), "")
            self.assertEqual(os.listdir(directory), [])


if __name__ == "__main__":
    unittest.main()
