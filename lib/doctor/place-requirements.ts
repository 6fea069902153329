/** The template, the work directory, the network: on-node/places.sh looks at them. */
import type { Config } from "../config/check.js";
import { DEFAULT_PORTS } from "../usernetes/ports.js";
import type { Requirement } from "./requirements.js";

/** Seconds that a clock may be off. */
export const SKEW_S = 2;

const SHELL_PLUGIN: Requirement = {
  id: "shell-plugin",
  what: "shell plugin",
  how: "shell/lua.d/usernetes.lua in Flux's directory",
  fatal: false,
  mend: "flux-usernetes install, on that node: without it jobs have no KUBECONFIG",
};

export function placeRequirements(config: Config): Requirement[] {
  return [...directories(config), ...network(config), SHELL_PLUGIN];
}

function directories({ template, workdir, shared }: Config): Requirement[] {
  return [
    {
      id: "template",
      what: "template",
      how: `targets, variables, files and the service node in ${template}`,
      fatal: true,
      mend: `git clone https://github.com/rootless-containers/usernetes ${template}, readable by the instance owner`,
    },
    {
      id: "template-rest",
      what: "rest of the template",
      how: "targets and variables that the steps can do without",
      fatal: false,
      mend: "a revision of rootless-containers/usernetes that has it: clusters come up, but are torn down, tried again or placed worse",
    },
    {
      id: "template-same",
      what: "same template",
      how: "a digest of its files, without .git",
      fatal: true,
      mend: "the same version and the same files on each node",
      alike: true,
    },
    {
      id: "workdir",
      what: "work directory",
      how: `a file is made in ${workdir}, run and removed`,
      fatal: true,
      mend: "set usernetes.workdir to a directory that the instance owner may write and run programs in",
    },
    ...(shared === "yes" ? [] : [local(workdir)]),
  ];
}

const local = (workdir: string): Requirement => ({
  id: "workdir-local",
  what: "local work directory",
  how: `stat --file-system ${workdir}`,
  fatal: false,
  mend: `set usernetes.workdir to a directory of the node's own, or usernetes.shared-filesystem to "yes" if it is meant to be shared`,
});

function network({ ports, interface: dev }: Config): Requirement[] {
  return [
    {
      id: "ports",
      what: "free ports",
      how: "/proc/net/tcp, udp",
      fatal: false,
      mend: "set usernetes.ports to a range that nothing else uses; a cluster that is up has its own",
      judge: (words) => judgePorts(ports, words),
    },
    {
      id: "clock",
      what: "clocks",
      how: `date, on all nodes at once: ${SKEW_S} s from rank 0 at the most`,
      fatal: false,
      mend: "have chrony or another NTP client run: certificates and tokens have times in them",
    },
    ...(dev === undefined
      ? []
      : [
          {
            id: "interface",
            what: `interface ${dev}`,
            how: `ip -4 address show dev ${dev}`,
            fatal: true,
            mend: "set usernetes.interface to one that each node has, with an IPv4 address",
          },
        ]),
  ];
}

function judgePorts(range: Config["ports"], words: string): string | undefined {
  const taken = new Set(words.split(" ").filter(Boolean).map(Number));
  if (range === "default") {
    const ours = (Object.values(DEFAULT_PORTS) as number[]).filter((port) => taken.has(port));
    return ours.length === 0 ? undefined : `taken: ${ours.join(" ")}`;
  }
  for (let port = range.first; port + 3 <= range.last; port += 4)
    if (![0, 1, 2, 3].some((i) => taken.has(port + i))) return undefined;
  return `no four ports of ${range.first}-${range.last} are free`;
}
