"""Unit tests of lib/node/by_hand*.py. test/node/by-hand-python.test.ts runs them.

By hand: python3 -m unittest test/node/by_hand_test.py
"""

import io
import os
import signal
import sys
import unittest
from contextlib import redirect_stderr
from unittest import mock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "lib", "node"))
import by_hand  # noqa: E402
import by_hand_options as options  # noqa: E402
import by_hand_settings as settings  # noqa: E402
import by_hand_steps as steps  # noqa: E402
from by_hand_settings import Failure  # noqa: E402

PORTS = {"PORT_ETCD": "2379", "PORT_KUBE_APISERVER": "6443"}
PLACE = {
    "workdir": "/w",
    "project": "w",
    "marker": "0 by-hand:/w",
    "host": "node3",
    "lead": "",
    "size": 3,
    "serial": False,
    "engine": "podman",
}


class OptionsTest(unittest.TestCase):
    def test_values_come_with_and_without_an_equals_sign(self):
        expected = {"--workdir": "/w", "--worker-count": 3}
        for text in ("--workdir=/w --worker-count=3", "--workdir /w --worker-count 3"):
            words = text.split()
            self.assertEqual(options.parse("wait-workers", words), expected)

    def test_a_value_may_look_like_an_option(self):
        self.assertEqual(options.parse("down", ["--workdir", "--all"]), {"--workdir": "--all"})

    def test_keep_node_takes_the_value_that_the_python_tool_has(self):
        for words in (["--keep-node"], ["--keep-node", "On"], ["--keep-node=1"]):
            self.assertEqual(list(options.parse("clean", words)), ["--keep-node"])
        for words in (["--keep-node", "no"], ["--keep-node=false"]):
            self.assertEqual(list(options.parse("clean", words + ["--all"])), ["--all"])
        with self.assertRaisesRegex(Failure, 'clean: --keep-node: found "some", allowed: yes or'):
            options.parse("clean", ["--keep-node=some"])
        with self.assertRaisesRegex(Failure, 'found "some", which is not allowed here'):
            options.parse("clean", ["--keep-node", "some"])

    def test_all_is_ignored_by_start_control_plane_and_refused_by_down(self):
        parsed = options.parse("start-control-plane", ["--all", "--worker-count=0"])
        self.assertEqual(parsed["--worker-count"], 0)
        with self.assertRaisesRegex(Failure, 'down: found "--all"'):
            options.parse("down", ["--all"])

    def test_a_flag_has_no_value(self):
        for word in ("--serial=yes", "--serial=", "--worker-counts=1"):
            with self.assertRaisesRegex(Failure, 'found "%s", which is not allowed' % word):
                options.parse("start-control-plane", ["--worker-count=0", word])

    def test_a_count_is_a_whole_number(self):
        for count in ("", "-1", "1.5", "12345678", "3\n", "\u0663", "0x1"):
            with self.assertRaises(Failure) as caught:
                options.parse("wait-workers", ["--worker-count=" + count])
            self.assertEqual(caught.exception.status, 2, count)


class SettingsTest(unittest.TestCase):
    def refused(self, text, **given):
        with self.assertRaisesRegex(Failure, text) as caught:
            settings.node_settings(given, PORTS)
        self.assertEqual(caught.exception.status, 2)

    def test_an_empty_environment_gives_no_settings(self):
        self.assertEqual(settings.node_settings({"PORT_ETCD": "", "HOST": "x"}, PORTS), "\n")

    def test_settings_have_both_generations_of_names(self):
        given = {"PORT_ETCD": "3001", "U7S_HOST_IP": "192.0.2.9", "NODE_NAME": "a-1.b"}
        expected = "PORT_ETCD=3001\nHOST_IP=192.0.2.9\nU7S_HOST_IP=192.0.2.9\n"
        expected += "NODE_NAME=a-1.b\nU7S_NODE_NAME=a-1.b\n"
        self.assertEqual(settings.node_settings(given, PORTS), expected)

    def test_no_value_reaches_a_shell(self):
        for value in ("1;x", "$(x)", "1\nx=1", "1 ", "\u0661", "01"):
            self.refused("PORT_ETCD: found ", PORT_ETCD=value)
            self.refused("HOST_IP: found ", HOST_IP="10.0.0." + value)
            self.refused("NODE_SUBNET: found ", NODE_SUBNET="10.0.%s.0/24" % value)
        for value in ("a;b", "a\n", "\u00e9", "A", "a..b", "-a", "a-", "a" * 64):
            self.refused("NODE_NAME: found ", NODE_NAME=value)

    def test_ports_must_differ_from_each_other_and_from_other_defaults(self):
        self.refused("which PORT_KUBE_APISERVER has too", PORT_ETCD="6443")
        given = {"PORT_ETCD": "6443", "PORT_KUBE_APISERVER": "6444"}
        self.assertIn("PORT_ETCD=6443", settings.node_settings(given, PORTS))
        self.refused("allowed: a port", PORT_ETCD="65536")

    def test_the_compose_command_belongs_to_the_engine(self):
        self.assertEqual(settings.compose_command("/opt/bin/docker"), "/opt/bin/docker compose")
        self.assertEqual(settings.compose_command("/opt/bin/podman"), "podman-compose")
        for engine in ("rkt", "docker;x", "a b/docker", "/docker/"):
            with self.assertRaisesRegex(Failure, "^CONTAINER_ENGINE: found "):
                settings.compose_command(engine)

    def test_the_project_is_named_as_compose_names_it(self):
        for directory, project in (("/a/My.Clone", "myclone"), ("/a/__x-1", "x-1"), ("/ƒ2q", "2q")):
            self.assertEqual(settings.project_of(directory, {}), project)
        self.assertEqual(settings.project_of("/ƒ", {"COMPOSE_PROJECT_NAME": "mine"}), "mine")
        for directory, given in (("/ƒ", {}), ("/a", {"COMPOSE_PROJECT_NAME": "A b"})):
            with self.assertRaisesRegex(Failure, "set COMPOSE_PROJECT_NAME"):
                settings.project_of(directory, given)

    def test_a_job_has_one_directory_in_every_locale(self):
        for jobid, name in (("ƒ2QT", "ƒ2qt"), ("f2QT", "ƒ2qt"), ("4711", "4711"), ("ff", "ƒf")):
            path = settings.job_directory(jobid, {"TMPDIR": "/t"})
            self.assertEqual(path, "/t/usernetes-" + name)
        self.assertEqual(settings.job_directory("1", {"TMPDIR": ""}), "/tmp/usernetes-1")

    def test_an_incomplete_join_command_is_not_accepted(self):
        whole = "#!/bin/bash\nset -eux\nkubeadm join u7s-a:6443 --token x\n"
        self.assertTrue(settings.is_join_command(whole))
        for text in ("", "\n", whole[:-1], "kubeadm join \n", "x kubeadm join a\n"):
            self.assertFalse(settings.is_join_command(text), text)

    def test_the_environment_has_what_steps_need_and_the_callers_own(self):
        given = {"PATH": "/bin", "HOSTNAME": "node0", "USERNETES_RANK": "7", "COMPOSE": ""}
        environment = settings.steps_environment(given, PLACE)
        for name, value in (
            ("PATH", "/bin"),
            ("HOSTNAME", "node3"),
            ("USERNETES_HERE", "node3"),
            ("USERNETES_RANK", ""),
            ("USERNETES_SIZE", "3"),
            ("USERNETES_KEEP", "yes"),
            ("USERNETES_READY", "dns"),
            ("COMPOSE", "podman-compose -p w"),
        ):
            self.assertEqual(environment[name], value, name)
        self.assertEqual(given["HOSTNAME"], "node0", "and changes nothing")
        self.assertEqual(settings.steps_environment({"COMPOSE": "mine"}, PLACE)["COMPOSE"], "mine")

    def test_choices_are_checked(self):
        for name in ("USERNETES_READY", "USERNETES_SCHEDULE_ON_LEAD"):
            with self.assertRaisesRegex(Failure, name + ': found "soon", allowed: .* or '):
                settings.steps_environment({name: "soon"}, PLACE)

    def test_targets_are_checked(self):
        def of(given):
            return settings.steps_environment(given, PLACE)

        self.assertEqual(of({})["USERNETES_MAKE_UP"], "up")
        self.assertEqual(of({})["USERNETES_MAKE_NETWORK"], "install-flannel")
        self.assertEqual(of({"USERNETES_MAKE_NETWORK": ""})["USERNETES_MAKE_NETWORK"], "")
        self.assertEqual(of({"USERNETES_MAKE_UP": "up-built"})["USERNETES_MAKE_UP"], "up-built")
        for name, value in (("UP", ""), ("UP", "-n"), ("NETWORK", "A=b"), ("NETWORK", "a b")):
            found = 'USERNETES_MAKE_%s: found "%s", allowed: a target' % (name, value)
            with self.assertRaisesRegex(Failure, found):
                of({"USERNETES_MAKE_" + name: value})

    def test_further_ports_are_those_that_the_caller_names(self):
        given = {"USERNETES_PORT_VARIABLES": "PORT_CALICO", "PORT_CALICO": "5000"}
        self.assertEqual(settings.port_variables(given), ["PORT_CALICO="])
        self.assertEqual(settings.port_variables({}), [])
        with self.assertRaisesRegex(Failure, 'USERNETES_PORT_VARIABLES: found "A=b", allowed'):
            settings.port_variables({"USERNETES_PORT_VARIABLES": "PORT_CALICO A=b"})
        self.assertIn("PORT_CALICO=5000\n", settings.node_settings(given, {"PORT_CALICO": ""}))

    def test_adjustments_are_those_of_the_configuration(self):
        chosen = settings.adjustments
        found = 'USERNETES_ADJUSTMENTS: found "x", allowed: .*one-sync'
        with self.assertRaisesRegex(Failure, found):
            chosen({"USERNETES_ADJUSTMENTS": "one-sync x"}, False)
        self.assertEqual(chosen({"USERNETES_ADJUSTMENTS": ""}, False), "")
        self.assertIn("one-sync", chosen({}, False))
        self.assertNotIn("one-sync", chosen({}, True), "nothing comes after that syncs")


class StepsTest(unittest.TestCase):
    def printed(self, *lines, **screen):
        """The text that is printed for these reports, and the Progress that printed it."""
        written = []
        with mock.patch("os.write", lambda fd, data: written.append((fd, data.decode()))):
            progress = steps.Progress(steps.Screen(**screen), "node1", "/n")
            for line in lines:
                progress.take(line)
        self.assertEqual({fd for fd, _ in written} - {2}, set())
        return "".join(text for _, text in written), progress

    def test_ends_and_waits_are_printed(self):
        text, progress = self.printed(
            '{"report": "started"}',
            '{"report": "progress", "step": "wait-ready", "text": "coredns: 0 of 2"}',
            '{"report": "end", "step": "up", "status": "ok", "tail": ["x"]}',
            '{"report": "over"}',
        )
        self.assertRegex(
            text,
            r"^usernetes: wait-ready: waiting for coredns: 0 of 2\n"
            r"usernetes: up: node1: ok in 0\.[0-9] s\n$",
        )
        self.assertTrue(progress.is_over and not progress.has_failed)

    def test_a_failure_is_printed_with_quiet_too(self):
        for status, why in (("failed", "exit 7"), ("timeout", "timed out after 900 s")):
            report = '{"report": "end", "step": "up", "status": "%s", "exit": 7, "tail": ["a"]}'
            text, progress = self.printed(report % status, is_quiet=True)
            self.assertEqual(text, "  a\nusernetes: up: node1: failed: %s\n" % why)
            self.assertTrue(progress.has_failed)

    def test_neither_a_secret_nor_a_result_is_printed(self):
        token = "abcdef.0123456789abcdef"
        result = '{"report": "result", "step": "join-command", "text": "kubeadm join --token %s"}'
        text, _ = self.printed(
            result % token,
            "Traceback: --token " + token,
            '{"report": broken',
        )
        self.assertNotIn(token, text)
        self.assertEqual(
            text, 'usernetes: Traceback: --token [token]\nusernetes: {"report": broken\n'
        )

    def test_control_characters_cannot_break_a_printed_line(self):
        text, _ = self.printed("a\x1b[31mb\x07\nc")
        self.assertEqual(text, "usernetes: ab c\n")

    def test_up_first_checks_for_nodes_that_a_person_removed(self):
        script = steps.request_of("up")["script"]
        self.assertIn(steps.read_script("parts/removed-by-hand.sh"), script)
        self.assertLess(script.index("names=$(list_node"), script.index("QUICK=1"))
        with self.assertRaises(FileNotFoundError):
            steps.request_of("reboot")


class CommandTest(unittest.TestCase):
    def test_signals_that_are_ignored_stay_ignored(self):
        numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
        before = [signal.getsignal(number) for number in numbers]
        self.addCleanup(lambda: [signal.signal(*pair) for pair in zip(numbers, before)])
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        by_hand.catch_signals()
        self.assertEqual(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)
        with self.assertRaises(by_hand.Stopped):
            os.kill(os.getpid(), signal.SIGTERM)
        self.assertEqual(signal.getsignal(signal.SIGINT), signal.SIG_IGN, "one is enough")

    def test_options_after_the_verb_belong_to_the_verb(self):
        with mock.patch("os.write"), redirect_stderr(io.StringIO()):
            self.assertEqual(by_hand.main(["--debug", "down", "--quiet"]), 2)


if __name__ == "__main__":
    unittest.main()
