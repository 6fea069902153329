/** Which failures of a step are permanent, and which need other ports or subnets. */
import t from "tap";
import { causesOf } from "../../lib/node/cause.js";
import { failureOf } from "../../lib/node/faults.js";
import type { Fault } from "../../lib/record/events.js";

const ENV = {
  PORT_ETCD: "20000",
  PORT_KUBELET: "20003",
  CALICO: "20004",
  USERNETES_PORT_VARIABLES: "CALICO",
  USERNETES_SUBNET: "10.100.0.0/24",
  USERNETES_RANKS: "0-2",
};

const faultOf = (step: string, tail: string[]) => failureOf(step, causesOf(tail), ENV)?.fault;

/** Error messages as the engines print them, and the fault of each. */
const WORDS: [string, Fault | undefined][] = [
  [
    "Error response from daemon: driver failed: Bind for 0.0.0.0:20000 failed: port is already allocated",
    "port",
  ],
  ["Error: rootlessport listen tcp 0.0.0.0:20003: bind: address already in use", "port"],
  ["Error: rootlessport listen tcp 0.0.0.0:20004: bind: address already in use", "port"],
  [
    "Error: pasta failed with exit code 1: Failed to bind port 20000 (Address already in use)",
    "port",
  ],
  ["failed to bind host port 0.0.0.0:20000/tcp: address already in use", "port"],
  ["invalid pool request: Pool overlaps with other one on this address space", "subnet"],
  ["Error: subnet 10.100.0.0/24 is already used on the host or by another config", "subnet"],
  [
    "Error: IPAM error: requested ip address 10.100.2.100 is already allocated to container ID f19c696928331cb95795b55df038bdc50b6f9d247d1ca5b7887546c4a8521178",
    "subnet",
  ],
  [
    'level=fatal msg="subnet 10.100.0.0/24 overlaps with other one on this address space"',
    "subnet",
  ],
  ["make: *** No rule to make target 'up'.  Stop.", "permanent"],
  ["/bin/sh: 1: podman-compose: not found", "permanent"],
  [
    "Error: cannot listen on the TCP port: listen tcp4 :20000: bind: address already in use",
    "port",
  ],
  [
    'Error: creating build container: short-name "no-such" did not resolve to an alias and no unqualified-search registries are defined',
    "permanent",
  ],
  ["Error: manifest unknown: manifest unknown", "permanent"],
  ["permission denied while trying to connect to the Docker daemon socket", "permanent"],
  ["sudo: a password is required; the rule of etc/sudoers.d/usernetes is needed", "permanent"],
  ["uid 4242 has no account on this node", "permanent"],
  [
    'sudo is not installed on this node, or not on the PATH /bin (usernetes.run-as is "sudo")',
    "permanent",
  ],
  ["the node's container has died: usernetes-x-node-1: Exited (137) 2 seconds ago", "permanent"],
  ["write /var/lib/docker/tmp: no space left on device", undefined],
  ["Cannot connect to the Docker daemon. Is the docker daemon running?", undefined],
  ["net/http: TLS handshake timeout", undefined],
  ["injected fault in up on node1", undefined],
];

t.test("a failure is recognized by the engine's message", (t) => {
  for (const [line, fault] of WORDS)
    t.equal(faultOf("up", ["before", line, "make: *** [Makefile:97: up] Error 1"]), fault, line);
  t.equal(faultOf("up", []), undefined);
  t.end();
});

t.test("a port in use leads to other ports only in the step that binds it", (t) => {
  const line = "bind: address already in use";
  t.equal(faultOf("up", [line]), "port");
  t.equal(faultOf("kubeadm-join", [line]), undefined);
  t.end();
});

t.test("a warning above the line that ended the step is not its cause", (t) => {
  const timeout = "Error response from daemon: Get https://registry/v2/: net/http: TLS timeout";
  for (const warning of [
    'time="2026-11-01T10:00:00Z" level=warning msg="/w/docker-compose.yaml: the attribute `version` is obsolete"',
    "docker-compose.yaml: the attribute `version` is obsolete",
    "W1101 10:00:00.1 1 x.go:1] open /etc/kubernetes: Permission denied",
    "/bin/sh: 1: getenforce: not found",
    "Warning: unknown flag --quick is ignored",
    "port 20000 is already in use by this node's own container, which stays",
  ])
    t.equal(faultOf("up", [warning, timeout, "make: *** [Makefile:9: up] Error 1"]), undefined);
  t.end();
});

t.test("an image that a registry does not find is not reported as a missing program", (t) => {
  t.equal(faultOf("up", ["Error: docker.io/library/x:1: not found"]), undefined);
  for (const missing of [
    "/bin/sh: 1: podman-compose: not found",
    "sh: podman-compose: not found",
    "bash: line 3: jq: command not found",
    "usernetes: 12: setsid: not found",
    "make: podman-compose: No such file or directory",
  ])
    t.equal(faultOf("up", [missing, "make: *** [Makefile:97: up] Error 127"]), "permanent");
  t.end();
});

t.test("a port that the template fixes is named, and no others are tried", (t) => {
  for (const [line, port] of [
    [
      "Error response from daemon: driver failed: Bind for 0.0.0.0:8080 failed: port is already allocated",
      "8080",
    ],
    [
      "failed to bind host port for 0.0.0.0:8080:10.100.0.100:20000/tcp: address already in use",
      "8080",
    ],
    [
      "Error: cannot listen on the TCP port: listen tcp4 :8080: bind: address already in use",
      "8080",
    ],
    ["Failed to bind port 8080 (Address already in use) for option '-t 8080-8080:80-80'", "8080"],
    ["listen tcp [::]:443: bind: address already in use", "443"],
  ] as const) {
    const failure = failureOf("up", [line], ENV);
    t.equal(failure?.fault, "permanent", line);
    t.match(failure?.note, `port ${port} is in use and is not one of the cluster's ports: free it`);
  }
  t.strictSame(failureOf("up", ["bind: address already in use"], ENV), { fault: "port" });
  t.end();
});

t.test("a subnet that the template fixes is named, too", (t) => {
  const used = (subnet: string) => [`Error: subnet ${subnet} is already used on the host`];
  t.strictSame(failureOf("up", used("10.100.2.0/24"), ENV), { fault: "subnet" });
  t.match(failureOf("up", used("10.100.3.0/24"), ENV), {
    fault: "permanent",
    note: /^subnet 10\.100\.3\.0\/24 is in use and is not one of the cluster's subnets/,
  });
  t.end();
});
