/** Tests doctor on a good host, and on the same host with each requirement broken in turn. */
import type { Test } from "tap";
import { useEngine } from "../accounts.js";
import { expectFit } from "../doctor.js";
import { good, type Site } from "../site.js";

interface Fault {
  /** The requirement, as doctor's table names it. */
  requirement: string;
  level: "FAIL" | "warn";
  /** The script that breaks the requirement for the account flux. It runs as root. */
  breaks: string;
  repairs: string;
  /** The message that doctor prints about the node. */
  message: RegExp;
}

const DOCTOR = "flux usernetes doctor";
const COMPOSE = "/usr/libexec/docker/cli-plugins/docker-compose";
/** Removes the node's image. Doctor accepts missing IDs if the engine has this image. */
const NO_IMAGE =
  "sudo -H -u flux env DOCKER_HOST=unix:///run/user/$(id -u flux)/docker.sock docker image rm -f usernetes_warm-node";
const MANAGER = "/run/systemd/system/user@.service.d";
const AGAIN = `systemctl daemon-reload && systemctl restart user@$(id -u flux)`;

/**
 * The pairs of faults. With two machines, the first fault of a pair is made on the first machine
 * and the second on the last. With one machine, the faults are made one by one. Without lingering
 * systemd ends the user manager, so doctor also reports `cgroup delegation` and the engine there.
 */
const FAULTS: [Fault, Fault][] = [
  [
    {
      requirement: "subuid and subgid",
      level: "FAIL",
      breaks: `cp /etc/subuid /root/subuid && sed -i /^flux:/d /etc/subuid && ${NO_IMAGE}`,
      repairs: "cp /root/subuid /etc/subuid",
      message: /flux has 0 ids in subuid; free on this node: usermod --add-subuids \d+-\d+ /,
    },
    {
      requirement: "docker 20.10",
      level: "FAIL",
      breaks: "systemctl --user -M flux@ stop docker",
      repairs: "systemctl --user -M flux@ start docker",
      message: /docker does not answer: .*Cannot connect to the Docker daemon/,
    },
  ],
  [
    {
      requirement: "rp_filter",
      level: "FAIL",
      breaks: "sysctl -qw net.ipv4.conf.default.rp_filter=1",
      repairs: "sysctl -qw net.ipv4.conf.default.rp_filter=2",
      message: /net\.ipv4\.conf\.default\.rp_filter is 1 \(strict\)/,
    },
    {
      requirement: "lingering",
      level: "warn",
      breaks: "loginctl disable-linger flux",
      repairs: "loginctl enable-linger flux",
      message: /flux does not linger/,
    },
  ],
  [
    {
      requirement: "cgroup delegation",
      level: "FAIL",
      breaks: `mkdir -p ${MANAGER} && printf '[Service]\\nDelegate=\\nDelegate=memory pids\\n' >${MANAGER}/no-cpu.conf && ${AGAIN}`,
      repairs: `rm ${MANAGER}/no-cpu.conf && ${AGAIN}`,
      message: /not delegated to flux: cpu/,
    },
    {
      requirement: "docker compose 2.0",
      level: "FAIL",
      breaks: `mv ${COMPOSE} /root/docker-compose`,
      repairs: `mv /root/docker-compose ${COMPOSE}`,
      message: /docker compose does not run: /,
    },
  ],
];

export async function doctorLives(t: Test, site: Site): Promise<void> {
  const last = site.hosts.at(-1) ?? site.lead;
  await useEngine(t, site, "docker");

  await t.test("doctor finds a good host fit", async (t) => {
    await expectFit(t, site, DOCTOR);
  });

  const pairs = FAULTS.map(([here, there]) => [
    { host: site.lead, fault: here },
    { host: last, fault: there },
  ]);
  const rounds = site.hosts.length > 1 ? pairs : pairs.flat().map((place) => [place]);
  const { unmet } = site.lead.machine;
  for (const round of rounds) {
    const places = round.filter(({ fault }) => !unmet.includes(fault.requirement));
    await t.test(
      `doctor finds ${places.map(({ fault }) => fault.requirement).join(" and ")} not met`,
      async (t) => {
        for (const { host, fault } of places) await good(t, fault.breaks, host.root(fault.breaks));
        const { stdout, stderr } = await site.owner(DOCTOR);
        for (const { host, fault } of places)
          await good(t, fault.repairs, host.root(fault.repairs));
        for (const { host, fault } of places) {
          const row = new RegExp(`^${fault.level} +${fault.requirement} .*${host.name}$`, "m");
          t.match(stdout, row, stdout + stderr);
          const named = stdout
            .split("\n")
            .filter((line) => line.trim().startsWith(`${host.name}: `));
          t.match(named.join("\n"), fault.message, stdout);
        }
      },
    );
  }

  await t.test("doctor finds the repaired host fit", async (t) => {
    const up = "for i in $(seq 120); do docker info >/dev/null 2>&1 && exit; sleep 1; done; exit 1";
    for (const host of site.hosts) await good(t, "docker is back", host.session("flux", up));
    await expectFit(t, site, DOCTOR);
  });
}
