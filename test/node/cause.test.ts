/** The line of a step's output that names the cause of its failure. */
import t from "tap";
import { causesOf } from "../../lib/node/cause.js";

const MAKE = "make: *** [Makefile:137: kubeadm-init] Error 2";

t.test("the cause is the recipe's last line, not what make prints after it", (t) => {
  const last = [
    "pulling",
    "no space left ",
    "make: *** [Makefile:9: up] Error 1",
    "make[2]: *** [x] Error 1",
    "",
  ];
  t.strictSame(causesOf(last), ["no space left"]);
  t.strictSame(causesOf(["no space left", "Terminated", "Killed"]), ["no space left"]);
  t.strictSame(causesOf([MAKE]), []);
  t.strictSame(causesOf([]), []);
  t.end();
});

t.test("an error of make itself is a cause", (t) => {
  for (const line of [
    "make: *** No rule to make target 'up'.  Stop.",
    "make: podman-compose: No such file or directory",
    "Makefile:12: *** missing separator.  Stop.",
  ])
    t.strictSame(causesOf(["before", line]), [line]);
  t.end();
});

t.test("all of kubeadm's preflight errors are causes, without the warnings among them", (t) => {
  const warning = "\t[WARNING SystemVerification]: cgroups v1 support was deprecated";
  const errors = [
    "\t[ERROR CRI]: container runtime is not running",
    "\t[ERROR Port-10250]: Port 10250 is in use",
  ];
  const advice =
    "[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`";
  const trace = "To see the stack trace of this error execute with --v=5 or higher";
  const expected = [
    "[ERROR CRI]: container runtime is not running",
    "[ERROR Port-10250]: Port 10250 is in use",
  ];
  t.strictSame(
    causesOf([
      ...[
        "[preflight] Running pre-flight checks",
        warning,
        "[preflight] Some fatal errors occurred:",
      ],
      ...[
        ...errors,
        advice,
        "error: error execution phase preflight: preflight checks failed",
        trace,
        MAKE,
      ],
    ]),
    expected,
  );
  t.strictSame(
    causesOf([
      ...["error execution phase preflight: [preflight] Some fatal errors occurred:", ...errors],
      ...[advice, trace, warning, MAKE],
    ]),
    expected,
    "as kubeadm printed them until 1.34",
  );
  t.end();
});

t.test("an error of a phase that has its own reason stays the same", (t) => {
  const error =
    "error: error execution phase preflight: couldn't validate the identity of the API Server";
  t.strictSame(causesOf(["\t[ERROR Old]: of a try before", error, MAKE]), [error]);
  const healthy = "[kubelet-check] The kubelet is not healthy after 4m0s";
  t.strictSame(
    causesOf([
      healthy,
      "Unfortunately, an error has occurred",
      "error execution phase wait-control-plane: could not initialize a Kubernetes cluster",
    ]),
    [healthy],
  );
  t.end();
});

t.test("the cause in a compose that continued is the engine's first error", (t) => {
  const build = "Error: creating build container: no such image";
  const tail = [
    "podman build -f ./Dockerfile -t usernetes-x_node .",
    build,
    "exit code: 125",
    "podman start usernetes-x_node_1",
    'Error: no container with name or ID "usernetes-x_node_1" found: no such container',
    "exit code: 125",
  ];
  t.strictSame(causesOf([...tail, "make: *** [Makefile:97: up] Error 125"]), [build]);
  const runs = "the node's container does not run: podman has none of usernetes-x";
  t.strictSame(causesOf([...tail, runs]), [build]);
  t.strictSame(causesOf([runs]), [runs], "where no error was printed, what was found");
  const used = "Error: subnet 10.0.0.0/24 is already used";
  const trace = "subprocess.CalledProcessError: Command 'podman network create' returned 125.";
  t.strictSame(causesOf([used, trace, MAKE]), [used]);
  t.strictSame(
    causesOf([
      "Error: pasta failed with exit code 1:",
      "Failed to bind port 8080 (Address already in use)",
      "exit code: 126",
      runs,
    ]),
    ["Error: pasta failed with exit code 1: Failed to bind port 8080 (Address already in use)"],
  );
  t.end();
});

t.test("an engine that does not answer prints the reason", (t) => {
  const why = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.";
  const summary = "docker does not answer: the leftovers of usernetes-x are unknown";
  t.strictSame(causesOf([why, why, summary]), [why]);
  t.strictSame(causesOf([summary]), [summary]);
  t.end();
});

t.test("progress of docker compose is not a cause, and a build's own error is", (t) => {
  const error = "Error response from daemon: driver failed";
  t.strictSame(
    causesOf([
      error,
      " Container usernetes-x-node-1  Starting",
      " Network usernetes-x_default  Created",
      " node Pulling ",
      "[+] Running 1/2",
      MAKE,
    ]),
    [error],
  );
  const failed =
    'target node: failed to solve: process "/bin/sh -c apt-get install x" did not complete successfully: exit code: 100';
  t.strictSame(
    causesOf([
      "#9 0.901 Reading package lists...",
      "#9 1.204 E: Unable to locate package x",
      "------",
      failed,
      MAKE,
    ]),
    ["#9 1.204 E: Unable to locate package x"],
  );
  t.strictSame(causesOf([failed, MAKE]), [failed]);
  const flag = "unknown shorthand flag: 'p' in -p";
  t.strictSame(causesOf([flag, "See 'docker --help'.", "", MAKE]), [flag]);
  t.end();
});

t.test("a warning is shown if nothing else was printed", (t) => {
  const warning = "WARN: nothing to do";
  t.strictSame(causesOf(["error: it broke", warning, MAKE]), ["error: it broke"]);
  t.strictSame(causesOf([warning, MAKE]), [warning]);
  t.end();
});
