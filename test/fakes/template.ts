/**
 * Writes templates with the parts of rootless-containers/usernetes on which the steps rely, one for
 * each generation of its variables. Their scripts do nothing.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * The generations of the template's variables. Usernetes used `U7S_` until 2024-12-10, with fixed
 * ports, and `U7S_PORT_` until 2024-12-12. It has used `plain` since then.
 */
export const GENERATIONS = ["U7S_", "U7S_PORT_", "plain"] as const;
export type Generation = (typeof GENERATIONS)[number];

export const TARGETS = [
  ...["up", "kubeadm-init", "kubeconfig", "join-command", "kubeadm-join"],
  ...["sync-external-ip", "install-flannel"],
];
export const PORTS = ["PORT_ETCD", "PORT_KUBELET", "PORT_FLANNEL", "PORT_KUBE_APISERVER"];
const DEFAULTS = [2379, 10250, 8472, 6443];

/** With COMPOSE, a minimal template that can be staged, for tests of other parts. */
export const MAKEFILE = `${[...TARGETS, "kubeadm-reset", "down-v"].join(" ")}:
\t./play $@ $(NODE_NAME) $(NODE_SUBNET) ${PORTS.map((port) => `$(${port})`).join(" ")}
`;
export const COMPOSE = "services:\n  node:\n    build: .\n";

/** Writes a template into a directory. */
export function writeTemplate(directory: string, generation: Generation): void {
  for (const [path, text] of Object.entries(files(generation))) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: path.endsWith(".sh") ? 0o755 : 0o644 });
  }
}

/** Changes a file of a template. Throws if the change has no effect. */
export function change(directory: string, path: string, from: string | RegExp, to: string): void {
  const file = join(directory, path);
  const text = readFileSync(file, "utf8");
  const changed = text.replaceAll(from instanceof RegExp ? new RegExp(from, "gm") : from, to);
  if (changed === text) throw new Error(`${path} has no ${String(from)}`);
  writeFileSync(file, changed);
}

function files(generation: Generation): Record<string, string> {
  const u7s = generation === "plain" ? "" : "U7S_";
  const script = "#!/bin/bash\nexit 0\n";
  const ports =
    generation === "U7S_" ? DEFAULTS.map(String) : PORTS.map((port) => `\${${u7s}${port}}`);
  return {
    Makefile: makefile(generation, u7s),
    "docker-compose.yaml": compose(u7s, ports),
    "kubeadm-config.yaml": `controlPlaneEndpoint: "\${${u7s}NODE_NAME}:${ports[3]}"
networking:
  podSubnet: "10.244.0.0/16"
`,
    "Makefile.d/check-preflight.sh": script,
    "Makefile.d/detect-container-engine.sh": script,
    "Makefile.d/sync-external-ip.sh": script,
    ...(generation === "U7S_" ? {} : { "Makefile.d/install-flannel.sh": script }),
    "README.md": `Set NODE_SUBNET, ${PORTS.join(", ")}; make up kubeadm-join; see kubeconfig.\n`,
  };
}

function makefile(generation: Generation, u7s: string): string {
  const variables =
    u7s === ""
      ? ["HOST_IP ?= 10.1.0.1", "NODE_NAME ?= u7s-$(HOSTNAME)", "NODE_SUBNET ?= 10.0.0.0/24"].map(
          (line) => `export ${line}`,
        )
      : ["HOST_IP", "NODE_NAME", "NODE_SUBNET"].map((name) => `export U7S_${name} := $(${name})`);
  const passed = [...(generation === "U7S_" ? [] : PORTS), "HOST_IP", "NODE_NAME", "NODE_SUBNET"];
  const flannel =
    generation === "U7S_"
      ? "kubectl apply -f https://flannel.example/kube-flannel.yml"
      : "/usernetes/Makefile.d/install-flannel.sh";
  return `# Run \`make help\` to show usage; set PORT_ETCD and NODE_SUBNET
.DEFAULT_GOAL := help
${variables.join("\n")}
export CONTAINER_ENGINE ?= $(shell $(CURDIR)/Makefile.d/detect-container-engine.sh CONTAINER_ENGINE)
COMPOSE ?= $(shell $(CURDIR)/Makefile.d/detect-container-engine.sh COMPOSE)
NODE_SHELL := $(COMPOSE) exec \\
${passed.map((name) => `\t-e ${u7s}${name}=$(${u7s}${name}) \\`).join("\n")}
\tnode
.PHONY: help
help:
\t@echo 'make up'
.PHONY: check-preflight
check-preflight:
\t./Makefile.d/check-preflight.sh
.PHONY: up
up: check-preflight
\t$(COMPOSE) up --build -d
.PHONY: down-v
down-v:
\t$(COMPOSE) down -v
.PHONY: kubeconfig
kubeconfig:
\t$(COMPOSE) exec -T node cat /etc/kubernetes/admin.conf >kubeconfig
.PHONY: join-command
join-command:
\techo "#!/bin/bash" >join-command
\t$(NODE_SHELL) kubeadm token create --print-join-command >>join-command
.PHONY: kubeadm-init
kubeadm-init:
\t$(NODE_SHELL) sh -euc "envsubst </usernetes/kubeadm-config.yaml >/tmp/kubeadm-config.yaml"
.PHONY: sync-external-ip
sync-external-ip:
\t$(NODE_SHELL) /usernetes/Makefile.d/sync-external-ip.sh
.PHONY: kubeadm-join
kubeadm-join:
\t$(NODE_SHELL) /bin/bash /usernetes/join-command
.PHONY: kubeadm-reset
kubeadm-reset:
\t$(NODE_SHELL) kubeadm reset --force
.PHONY: install-flannel
install-flannel:
\t$(NODE_SHELL) ${flannel}
`;
}

const compose = (u7s: string, ports: string[]): string => `# Use \`make up\`
---
services:
  node:
    build: .
    hostname: \${${u7s}NODE_NAME}
    ports:
${ports.map((port) => `      - ${port}:${port}`).join("\n")}
    volumes:
      - .:/usernetes:ro
      - node-var:/var
networks:
  default:
    ipam:
      config:
        - subnet: \${${u7s}NODE_SUBNET}
volumes:
  node-var: {}
`;
