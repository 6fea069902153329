/** What a container engine has to be: on-node/engines.sh looks at it. */
import { engine, type EngineName } from "../usernetes/engine.js";
import type { Requirement } from "./requirements.js";

const OLDEST: Record<EngineName, { engine: string; compose: string }> = {
  docker: { engine: "20.10", compose: "2.0" },
  podman: { engine: "4.0", compose: "1.0.6" },
  nerdctl: { engine: "1.6", compose: "1.6" },
};

const SETUP: Record<EngineName, string> = {
  docker: "install it, run dockerd-rootless-setuptool.sh install as the instance owner",
  podman: "install it, from the distribution",
  nerdctl: "install it, run containerd-rootless-setuptool.sh install as the instance owner",
};

export function engineRequirements(name: EngineName, fatal: boolean): Requirement[] {
  const compose = engine(name).compose.join(" ");
  const oldest = OLDEST[name];
  const slirp: Requirement = {
    id: "slirp4netns",
    what: "podman with slirp4netns",
    how: "podman info: RootlessNetworkCmd",
    fatal: false,
    mend: 'default_rootless_network_cmd = "slirp4netns" under [network] in containers.conf: flannel does not work with pasta',
  };
  return [
    {
      id: `engine-${name}`,
      what: `${name} ${oldest.engine}`,
      how: `${name} info, ${name} --version`,
      fatal,
      mend: `${SETUP[name]}; \`${name} info\` has to work there for the instance owner, with no login session`,
      judge: atLeast(oldest.engine),
    },
    {
      id: `compose-${name}`,
      what: `${compose} ${oldest.compose}`,
      how: `${compose} version`,
      fatal,
      mend: `install ${compose} ${oldest.compose} or newer`,
      judge: atLeast(oldest.compose),
    },
    {
      id: `rootless-${name}`,
      what: `rootless ${name}`,
      how: `${name} info`,
      fatal: false,
      mend: `use ${name} as a rootless engine: containers of a rootful one are root's`,
    },
    ...(name === "podman" ? [slirp] : []),
  ];
}

function atLeast(oldest: string): (words: string) => string | undefined {
  return (found) => {
    // It works, and does not say which it is.
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
