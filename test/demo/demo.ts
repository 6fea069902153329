/**
 * A demonstration: the real daemon, four nodes, a job that asks for a cluster and lists its
 * cluster's nodes, and a check for leftovers. `--flux` uses a test instance of the real Flux on
 * the PATH.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { whyNoPython } from "../fakes/flux-plugins.js";
import { whyNoRealFlux } from "../hosts/real-flux.js";
import { LifeFlux } from "../life/flux.js";
import { embeddedPlace, realPlace } from "../life/places.js";
import { whyNoLua } from "../sandbox/lua.js";
import { PACKAGE } from "../sandbox/paths.js";
import { listLeftovers } from "./leftovers.js";
import { makeProgress, stepLine, type Progress } from "./progress.js";
import { spawnDaemon } from "./daemon.js";

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const HOSTS = ["node0", "node1", "node2", "node3"];

const SCRIPT = `
[ "$FLUX_TASK_RANK" = 0 ] || exit 0
echo "KUBECONFIG=$KUBECONFIG"
echo '$ kubectl get nodes'
kubectl get nodes`;

function introduce(real: boolean): void {
  say("flux-usernetes: a job on four nodes that asks for a Kubernetes cluster.");
  say("");
  say("  real      the daemon, the commands, and what is sent to the nodes");
  if (real) say("            Flux: a test instance of four brokers with host names of their own");
  else say("  stand-in  Flux: the embedded one of the tests; its four nodes are local processes");
  say("  stand-in  usernetes, the container engine and kubectl: each step takes a set time, and");
  say("            no container is started");
  say("");
}

async function play(flux: LifeFlux): Promise<boolean> {
  let progress: Progress | undefined;
  const daemon = await spawnDaemon(flux, (line) => {
    const step = stepLine(line);
    if (step) progress?.take(step);
  });
  const submit = ["flux", "submit", "-N4", "--setattr=attributes.user.usernetes=yes"];
  say(`$ ${submit.join(" ")} demo.sh`);
  progress = makeProgress(HOSTS);
  const job = await flux.output(...submit, flux.script(SCRIPT));
  await flux.waitFor(job, "start");
  await progress.end();
  progress = makeProgress(HOSTS);
  const shown = progress;
  const { stdout, exitCode } = await flux.flux("job", "attach", job);
  await flux.waitForEnd(job);
  await shown.end();
  say("");
  say(`$ flux job attach ${job}`);
  say(stdout.trimEnd());
  say("");
  say(await times(flux, job));
  const left = await listLeftovers(flux, HOSTS, say);
  await daemon.stop();
  return exitCode === 0 && left === 0 && stdout.match(/ Ready /g)?.length === HOSTS.length;
}

async function times(flux: LifeFlux, job: string): Promise<string> {
  const events = await flux.events(job);
  const record = await flux.record(job);
  const at = (name: string) =>
    [...events, ...record].find((event) => event.name === name)?.timestamp ?? NaN;
  const between = (from: string, to: string) => `${(at(to) - at(from)).toFixed(1)} s`;
  return `The bring-up took ${between("alloc", "start")} and the teardown ${between("teardown-start", "down")}.`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { flux: { type: "boolean", default: false } } });
  const why = values.flux ? whyNoRealFlux() : undefined;
  if (why !== undefined) {
    process.stderr.write(`demo: --flux: ${why}\n`);
    process.exitCode = 1;
    return;
  }
  if (whyNoPython !== undefined) {
    process.stderr.write(`demo: ${whyNoPython}, which runs the daemon's bridge: install python3\n`);
    process.exitCode = 1;
    return;
  }
  const noLua = values.flux ? undefined : whyNoLua();
  if (noLua !== undefined) {
    process.stderr.write(`demo: ${noLua}\n`);
    process.exitCode = 1;
    return;
  }
  introduce(values.flux);
  const flux = new LifeFlux(await (values.flux ? realPlace("") : embeddedPlace("")));
  try {
    const good = await play(flux);
    say(good ? "There are no leftovers." : "FAILED: see the lines above.");
    process.exitCode = good ? 0 : 1;
  } finally {
    await flux.close();
  }
}

process.chdir(join(PACKAGE));
await main();
