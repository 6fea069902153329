/**
 * The table of what every node needs. An entry has the requirement, how a node checks it, whether
 * clusters fail without it, and how to fix it. The checks on the node are in on-node/*.sh, under
 * the same id.
 */
import type { Config } from "../config/check.js";
import { engineRequirements } from "./engine-requirements.js";
import { networkRequirements } from "./network-requirements.js";
import { DIRECTORIES, placeRequirements, templateRequirements } from "./place-requirements.js";
import { concerning, type Requirement } from "./requirement.js";

export function requirements(config: Config): Requirement[] {
  const { engine: first, engines } = config;
  const others = engines.filter((name) => name !== first);
  return [
    ...PROGRAMS,
    ...(config.runAs === "sudo" ? [SUDO] : []),
    // With run-as = "sudo", no cluster uses the owner's engine. `--user` checks the engines of the
    // users.
    ...engineRequirements(first, config.runAs === "owner"),
    ...others.flatMap((name) => engineRequirements(name, false)),
    ...(config.runAs === "owner" ? OWN : OWN.map(asWarning)),
    ...KERNEL,
    ...placeRequirements(config),
    ...networkRequirements(config),
  ];
}

/**
 * The requirements of a template of usernetes.templates in addition to those of the site's own. Its
 * variables may name another engine store; then the engine is checked, too.
 */
export function namedRequirements(config: Config, site: Config, template: string): Requirement[] {
  const own = config.runAs === "owner" ? OWN : OWN.map(asWarning);
  const engine = hasOwnEnvironment(config, site)
    ? [...engineRequirements(config.engine, config.runAs === "owner"), ...own]
    : own.filter(({ id }) => id === "subids");
  const kernel = KERNEL.filter(({ id }) => id === "kernel");
  return [...engine, ...kernel, ...templateRequirements(config)].map((requirement) =>
    concerning(requirement, { template }),
  );
}

/** Whether steps with this configuration have other variables than with the site's own. */
export const hasOwnEnvironment = ({ options }: Config, site: Config): boolean =>
  JSON.stringify(options.environment) !== JSON.stringify(site.options.environment);

/** The requirements of one user's engine: with run-as = "sudo", `--user` checks those of its users. */
export function userRequirements(
  { engine: first, engines, options }: Config,
  concern: { user: string; template?: string },
): Requirement[] {
  return [
    ...engineRequirements(first, true),
    ...engines.filter((name) => name !== first).flatMap((name) => engineRequirements(name, false)),
    ...OWN,
    ...(Object.keys(options.environment).length > 0 ? [DIRECTORIES] : []),
  ].map((requirement) => concerning(requirement, concern));
}

const asWarning = (requirement: Requirement): Requirement => ({ ...requirement, fatal: false });

const PROGRAMS: Requirement[] = [
  {
    id: "make",
    what: "make",
    how: "command -v make",
    fatal: true,
    fix: "install make",
  },
  { id: "jq", what: "jq", how: "command -v jq", fatal: true, fix: "install jq" },
  {
    id: "tools",
    what: "programs of the steps",
    how: "command -v bash ip setpriv setsid timeout awk find stat getent",
    fatal: true,
    fix: "install bash, iproute2, util-linux, coreutils, awk and findutils",
  },
  {
    id: "kubectl",
    what: "kubectl",
    how: "command -v kubectl; or a target kubectl in the template",
    fatal: false,
    fix: "install kubectl: job scripts use it",
  },
  {
    id: "usernetes",
    what: "usernetes command",
    how: "command -v usernetes",
    fatal: false,
    fix: "run flux-usernetes install on that node, and put PREFIX/bin on the PATH: job scripts use it",
  },
];

const SUDO: Requirement = {
  id: "sudo",
  what: "sudo as any user",
  how: "sudo -n -u '#UID' setpriv ... true, for one user of the node",
  fatal: true,
  fix: "install sudo and the rule etc/sudoers.d/usernetes (docs/admin/many-users.md)",
};

/** Settings of systemd and the kernel for one user. */
const OWN: Requirement[] = [
  {
    id: "delegation",
    what: "cgroup delegation",
    how: "cgroup.controllers of the owner's user@.service: cpu, memory, pids",
    fatal: true,
    fix: "put Delegate=cpu cpuset io memory pids under [Service] in /etc/systemd/system/user@.service.d/delegate.conf, then run systemctl daemon-reload and loginctl enable-linger for the instance owner",
  },
  {
    id: "linger",
    what: "lingering",
    how: "loginctl show-user",
    fatal: false,
    fix: "run loginctl enable-linger for the instance owner: without it the engine stops with the login session",
  },
  {
    id: "subids",
    what: "subuid and subgid",
    how: "/etc/subuid, /etc/subgid, getsubids; newuidmap, newgidmap",
    fatal: true,
    fix: "install uidmap (shadow-utils), and give the instance owner 65536 ids of each kind with the usermod command above (its range is free on that node); with fewer ids, load an image that was built for them (docs/sites.md)",
  },
  {
    id: "runtime-dir",
    what: "XDG_RUNTIME_DIR",
    how: "a local directory of the user's own, with a short path",
    fatal: false,
    fix: 'run loginctl enable-linger for the instance owner, or set XDG_RUNTIME_DIR in usernetes.environment, like "/var/tmp/{user}/run"',
  },
  {
    id: "memlock",
    what: "memlock limit",
    how: "/proc/self/limits in a container, or of the check; /sys/class/infiniband",
    fatal: false,
    fix: "set LimitMEMLOCK=infinity for what starts the containers, since pods that use RDMA inherit the limit: for podman flux.service (and limits.conf where sudo(8) applies it), for docker or nerdctl user@.service and the account's own docker.service or containerd.service",
  },
];

const KERNEL: Requirement[] = [
  {
    id: "kernel",
    what: "kernel version",
    how: "uname -r; ignored preflight errors in the template's Makefile and kubeadm-config.yaml",
    fatal: false,
    fix: "add --ignore-preflight-errors=SystemVerification to the template's kubeadm-init and kubeadm-join: newer versions of kubeadm refuse this kernel, or warn about it",
  },
  {
    id: "cgroup",
    what: "cgroup v2",
    how: "/sys/fs/cgroup/cgroup.controllers",
    fatal: true,
    fix: "put systemd.unified_cgroup_hierarchy=1 on the kernel's command line, then reboot",
  },
  {
    id: "modules",
    what: "kernel modules",
    how: "/proc/modules, modules.builtin: br_netfilter, vxlan",
    fatal: true,
    fix: "put br_netfilter and vxlan, one per line, into /etc/modules-load.d/usernetes.conf, then systemctl restart systemd-modules-load",
  },
  {
    id: "iptables",
    what: "iptables modules",
    how: "/proc/modules, modules.builtin: ip_tables, iptable_nat, ip6_tables, ip6table_nat",
    fatal: false,
    fix: "put the missing ones into /etc/modules-load.d/usernetes.conf, too, unless kube-proxy and flannel use nftables there",
  },
  {
    id: "bridge-nf",
    what: "bridge-nf-call-iptables",
    how: "net.bridge.bridge-nf-call-iptables is 0, where the engine is rootful",
    fatal: false,
    fix: "put net.bridge.bridge-nf-call-iptables = 0 into /etc/sysctl.d/99-usernetes.conf, then sysctl --system: with 1 a node may not reach its own published ports",
  },
  {
    id: "rp_filter",
    what: "rp_filter",
    how: "net.ipv4.conf.default.rp_filter is 0 or 2",
    fatal: true,
    fix: "put net.ipv4.conf.default.rp_filter = 2 into /etc/sysctl.d/99-usernetes.conf, then sysctl --system, and restart the engine",
  },
];
