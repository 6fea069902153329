/**
 * Several instances on the same hosts, with the same engines and work directories. Each has its own
 * daemon, and no daemon touches the resources of another instance.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { f58 } from "../../lib/flux/jobid.js";
import { TEMPLATE } from "../sandbox/paths.js";
import { LifeFlux, type Entry } from "./flux.js";
import { life } from "./life.js";

const FIRST = 'ports = "20000-20999"\nsubnets = "10.100.0.0/16"\n';
const SECOND = 'ports = "21000-21999"\nsubnets = "10.101.0.0/16"\n';
const NESTED = 'ports = "22000-22999"\nsubnets = "10.102.0.0/16"\n';
const LONG = ["sleep", "300"];

life(async (t, first) => {
  const place = await first.place.beside?.(SECOND);
  if (!place) throw new Error("there is no other instance on these hosts");
  const second = new LifeFlux(place);
  t.teardown(() => second.close());
  await first.startDaemon();
  await second.startDaemon();

  const settled = (record: Entry[]) =>
    record.find(({ name }) => name === "settle")?.context?.["outcome"];
  const note = async (flux: LifeFlux, job: string) => {
    const events = await flux.events(job);
    const fatal = events.find(({ context }) => context?.["severity"] === 0);
    return String(fatal?.context?.["note"]);
  };
  const ready = (text: string) => text.match(/ Ready /g)?.length ?? 0;
  /** The script `looks` lists its cluster's nodes when the test has made the file `gate`. */
  const gate = join(first.place.testbed, "gate");
  const looks = first.script(`
test "$FLUX_TASK_RANK" = 0 || exit 0
until test -e "${gate}"; do sleep 0.05; done
kubectl get nodes`);
  const lookNow = async (flux: LifeFlux, job: string) => {
    writeFileSync(gate, "");
    await flux.waitForEnd(job);
    const { stdout } = await flux.flux("job", "attach", job);
    await flux.output("rm", gate);
    return ready(stdout);
  };

  await t.test("jobs of two instances have their clusters on the same nodes", async (t) => {
    const jobs = await Promise.all([first, second].map((flux) => flux.submit("-N4", looks)));
    await first.waitFor(jobs[0] ?? "", "start");
    await second.waitFor(jobs[1] ?? "", "start");
    writeFileSync(gate, "");
    for (const [i, flux] of [first, second].entries()) {
      const job = jobs[i] ?? "";
      await flux.waitForEnd(job);
      t.equal(settled(await flux.record(job)), "ready");
      t.equal(ready((await flux.flux("job", "attach", job)).stdout), 4);
    }
    await first.output("rm", gate);
    t.same(await first.leftovers(), []);
    t.same(await second.leftovers(), []);
  });

  await t.test("a daemon leaves the other instance's cluster alone", async (t) => {
    const job = await first.submit("-N4", looks);
    await first.waitFor(job, "start");
    const other = await second.submit("-N4", ...LONG);
    await second.waitFor(other, "start");
    await second.stopDaemon("SIGKILL");
    await second.flux("cancel", other);
    await second.startDaemon();
    await second.waitForEnd(other);
    t.equal((await second.record(other)).at(-1)?.name, "down");
    t.equal(await lookNow(first, job), 4);
    t.same(await first.leftovers(), []);
    t.same(await second.leftovers(), []);
  });

  await t.test("a job whose names are in use fails and harms nothing", async (t) => {
    const busy = await first.output("flux", "submit", "-N4", "--exclusive", ...LONG);
    await first.waitFor(busy, "start");
    const job = await first.submit("-N2", "true");
    const name = `usernetes-${job.toLowerCase()}`;
    const directory = join(first.place.base, name);
    const project = `$TESTBED/engine/$(hostname)/${name.replace("ƒ", "")}`;
    const on = (script: string) => first.output("flux", "exec", "-r", "0-3", "sh", "-c", script);
    // Makes the resources on a node that another instance's cluster of the same name would have.
    await on(`set -e; mkdir -p ${directory}/.usernetes ${project}
echo "1234 another-instance $(hostname)" >${directory}/.usernetes/owner
echo theirs >${directory}/kubeconfig
echo u7s >${project}/container; echo 10.9.9.0/24 >${project}/network; echo 1 2 3 4 >${project}/ports`);
    const see = () => on(`cat ${directory}/kubeconfig ${directory}/.usernetes/owner ${project}/*`);
    const before = (await see()).split("\n").toSorted();
    await first.flux("cancel", busy);
    await first.waitForEnd(job);
    t.match(
      await note(first, job),
      new RegExp(`^stage failed on node.*usernetes-.* belongs to another job \\(1234 another`),
    );
    t.match(await note(first, job), name, "it names the directory");
    t.match((await first.record(job)).at(-1), { name: "down", context: { left: { length: 0 } } });
    t.same((await see()).split("\n").toSorted(), before);
    await on(`rm -rf ${directory} ${project}`);
    t.same(await first.leftovers(), []);
  });

  const skip = first.place.giveId ? false : "Flux chooses the ids of its jobs";
  await t.test("two jobs with the same job ID do not harm each other", { skip }, async (t) => {
    const id = 0x123456789n << 24n;
    for (const flux of [first, second]) flux.place.giveId?.(id);
    const job = await first.submit("-N2", looks);
    t.equal(job, f58(id));
    await first.waitFor(job, "start");
    t.equal(await second.submit("-N4", "true"), job);
    await second.waitForEnd(job);
    t.match(await note(second, job), /usernetes-.* belongs to another job \(/);
    t.equal(await lookNow(first, job), 2, "the first's cluster is still there");
    t.equal(settled(await first.record(job)), "ready");
    t.same(await first.leftovers(), []);
    t.same(await second.leftovers(), []);
  });

  await t.test("a batch job's own instance may have its own daemon", async (t) => {
    const { base, common } = first.place;
    const conf = join(common, "nested.toml");
    writeFileSync(conf, `[usernetes]\ntemplate = "${TEMPLATE}"\nworkdir = "${base}"\n${NESTED}`);
    const inside = first.script(`
test "$FLUX_TASK_RANK" = 0 || exit 0
echo "inside $KUBECONFIG"
kubectl get nodes`);
    const out = join(common, "nested.out");
    // The shells of a nested instance do not load the test's plugin by default.
    const plugin = first.kind === "real" ? `-o initrc=${common}/initrc.lua` : "";
    const script = first.script(`
flux-usernetes daemon --pass-env TESTBED &
flux-usernetes ping --wait 20s
echo "outside $KUBECONFIG"
flux run -N2 ${plugin} --setattr=attributes.user.usernetes=yes ${inside}
flux queue drain
echo "what is open: $(flux kvs ls -1 usernetes.cluster)"
ls ${base}
kill $!
wait $!
echo "the daemon ended with $?"
kubectl get nodes`);
    const ask = "--setattr=attributes.user.usernetes=yes";
    const args = ["batch", "-N2", ask, `--conf=${conf}`, `--output=${out}`, script];
    const job = await first.output("flux", ...args);
    await first.waitForEnd(job);
    const text = await first.output("cat", out);
    const [, outer] = /^outside (.*)$/m.exec(text) ?? [];
    const [, inner] = /^inside (.*)$/m.exec(text) ?? [];
    t.equal(outer, join(base, `usernetes-${job.toLowerCase()}`, "kubeconfig"));
    t.match(inner, /usernetes-.*\/kubeconfig$/);
    t.not(inner, outer, "a cluster of its own");
    t.match(text, /^what is open: $/m);
    t.equal(text.match(/^usernetes-/gm)?.length, 1, "only the parent's is left then");
    t.match(text, /^the daemon ended with 0$/m);
    t.equal(ready(text), 4, `two nodes inside, two outside: ${text}`);
    t.same(await first.leftovers(), []);
  });
}, FIRST);
