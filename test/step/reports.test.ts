import t from "tap";
import { STEPS } from "../../lib/cluster/steps.js";
import { execErrors, sudoRefusals, parseReport } from "../../lib/step/reports.js";

t.test("a report is told by its nonce", (t) => {
  t.strictSame(parseReport("3: abc end up 0", "abc", STEPS), {
    rank: 3,
    report: "end",
    step: "up",
    exit: 0,
    shared: false,
  });
  t.match(parseReport("3: abc end up 0 shared", "abc", STEPS), { exit: 0, shared: true });
  t.strictSame(parseReport("12: abc tail kubeadm-init [ERROR]: no  space ", "abc", STEPS), {
    rank: 12,
    report: "tail",
    step: "kubeadm-init",
    text: "[ERROR]: no  space ",
  });
  t.strictSame(parseReport("0: abc tail up ", "abc", STEPS), {
    rank: 0,
    report: "tail",
    step: "up",
    text: "",
  });
  t.end();
});

t.test("any other line is none", (t) => {
  for (const line of [
    "3: xyz end up 0",
    "3: ab end up 0",
    "abc end up 0",
    "3: abc end up",
    "3: abc end up -1",
    "3: abc end up 0 or so",
    "3: abc end fly 0",
    "3: abc begin up 0",
    "[1-2]: Exit 3",
    "",
    "x 3: abc end up 0",
  ])
    t.equal(parseReport(line, "abc", STEPS), undefined, line);
  t.end();
});

t.test("flux exec's own errors are told by rank, without the script", (t) => {
  t.strictSame(
    [
      ...execErrors([
        "flux-exec: Error: rank 3: sh -c set -eu: No route to host",
        "[1-2]: Exit 3",
        "flux-exec: Error: rank 4: sh: error launching process: No such file or directory",
      ]),
    ],
    [
      [3, "No route to host"],
      [4, "No such file or directory"],
    ],
  );
  t.end();
});

t.test("what sudo refuses is told with what to do, by rank", (t) => {
  const rule = "the rule of etc/sudoers.d/usernetes is needed on this node";
  t.strictSame(
    sudoRefusals([
      "0: sudo: unable to resolve host node0: Name or service not known",
      "1: sudo: a password is required",
      "1: sudo: error initializing audit plugin sudoers_audit",
      "2: Sorry, user flux is not allowed to execute '/usr/bin/setpriv --pdeathsig TERM timeout",
      "3: something else: sudo: x",
    ]),
    new Map([
      [1, `sudo: a password is required; ${rule}`],
      [2, `sudo: Sorry, user flux is not allowed; ${rule}`],
    ]),
  );
  t.end();
});
