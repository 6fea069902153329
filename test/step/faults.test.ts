import t from "tap";
import { faultOf } from "../../lib/step/faults.js";

/** As the engines print them. */
const WORDS: [string, ReturnType<typeof faultOf>][] = [
  [
    "Error response from daemon: driver failed: Bind for 0.0.0.0:20000 failed: port is already allocated",
    "port",
  ],
  ["Error: rootlessport listen tcp 0.0.0.0:20003: bind: address already in use", "port"],
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
  ["write /var/lib/docker/tmp: no space left on device", undefined],
  ["Cannot connect to the Docker daemon. Is the docker daemon running?", undefined],
  ["net/http: TLS handshake timeout", undefined],
  ["injected fault in up on node1", undefined],
];

t.test("a failure is known by the words of the engine", (t) => {
  for (const [line, fault] of WORDS)
    t.equal(faultOf("up", ["before", line, "make: *** [Makefile:97: up] Error 1"]), fault, line);
  t.equal(faultOf("up", []), undefined);
  t.end();
});

t.test("a port that is taken means others only for the step that takes it", (t) => {
  const line = "bind: address already in use";
  t.equal(faultOf("up", [line]), "port");
  t.equal(faultOf("kubeadm-join", [line]), undefined);
  t.end();
});
