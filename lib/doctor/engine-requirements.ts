/** The requirements of a container engine, which on-node/engines.sh checks. */
import { engine, type EngineName } from "../usernetes/engine.js";
import type { Requirement } from "./requirement.js";

const OLDEST: Record<EngineName, { engine: string; compose: string }> = {
  docker: { engine: "20.10", compose: "2.0" },
  podman: { engine: "4.0", compose: "1.0.6" },
  nerdctl: { engine: "1.6", compose: "1.6" },
};

const SETUP: Record<EngineName, string> = {
  docker:
    "install it, dockerd-rootless-setuptool.sh install (docs/admin/engines.md, The engine of an account)",
  podman: "install it, from the distribution",
  nerdctl:
    "install it, containerd-rootless-setuptool.sh install (docs/admin/engines.md, The engine of an account)",
};

export function engineRequirements(name: EngineName, fatal: boolean): Requirement[] {
  const compose = engine(name).compose.join(" ");
  const oldest = OLDEST[name];
  const slirp: Requirement = {
    id: "slirp4netns",
    what: "podman with slirp4netns",
    how: "podman info: RootlessNetworkCmd",
    fatal: false,
    fix: 'set default_rootless_network_cmd = "slirp4netns" under [network] in containers.conf: flannel does not work with pasta',
  };
  return [
    {
      id: `engine-${name}`,
      what: `${name} ${oldest.engine}`,
      how: `${name} info, ${name} --version`,
      fatal,
      fix: `\`${name} info\` has to work there for the instance owner, within 15 s (longer with --timeout) and with no login session; where it is not set up: ${SETUP[name]}`,
      judge: atLeast(oldest.engine),
    },
    {
      id: `compose-${name}`,
      what: `${compose} ${oldest.compose}`,
      how: `${compose} version`,
      fatal,
      fix: `install ${compose} ${oldest.compose} or newer`,
      judge: atLeast(oldest.compose),
    },
    {
      id: `rootless-${name}`,
      what: `rootless ${name}`,
      how: `${name} info`,
      fatal: false,
      fix: `use ${name} as a rootless engine: containers of a rootful engine belong to root`,
    },
    {
      id: `exec-${name}`,
      what: `${name} exec`,
      how: `${name} exec in a container that is made for it (import, run --network none, rm)`,
      fatal,
      fix: `the steps start containers and execute commands in them: see \`${name} info\`; if flux.service has Delegate=yes, rootless podman needs lingering (loginctl enable-linger)`,
    },
    {
      id: `storage-${name}`,
      what: `storage of ${name}`,
      how: `${name} info; stat --file-system`,
      fatal: false,
      fix: `put the storage of ${name} on a local disk: rootless engines change the owners of files, which network file systems refuse (CONTAINERS_STORAGE_CONF in usernetes.environment, a hook before-up, or daemon.json)`,
    },
    {
      id: `udevd-${name}`,
      what: `udevd in ${name}`,
      how: "/sys is writable in a privileged container of a rootful engine",
      fatal: false,
      fix: "add a drop-in for systemd-udevd.service with an empty ConditionPathIsReadWrite= to the template's Dockerfile: without udevd its rule for flannel's checksum offload does not run, and pods on different nodes cannot reach each other",
    },
    ...(name === "podman" ? [slirp] : []),
  ];
}

function atLeast(oldest: string): (text: string) => string | undefined {
  return (found) => {
    // The engine works, but does not print its version.
    if (found === "") return undefined;
    const [want, have] = [oldest, found].map((text) => text.split(".").map(Number));
    for (let i = 0; i < (want?.length ?? 0); i++) {
      const difference = (have?.[i] ?? 0) - (want?.[i] ?? 0);
      if (difference > 0) return undefined;
      if (difference < 0) return `it is ${found}, ${oldest} or newer is needed`;
    }
    return undefined;
  };
}
