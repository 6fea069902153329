/** Tests of flux batch: each batch job runs its own Flux instance. */
import { contract } from "./contract.js";
import { eventsUntil, names, output } from "./flux-under-test.js";

const SCRIPT = `#!/bin/sh
#FLUX: -N2
#FLUX: --setattr=user.usernetes=no
flux getattr size
flux getattr hostlist
flux getattr instance-level
flux getattr jobid
echo "job=\${FLUX_JOB_ID-unset}"
flux config get usernetes 2>&1
flux exec -n -l -r 1 hostname
flux --parent getattr size
flux --parent job memo "$(flux getattr jobid)" usernetes.state=seen
flux run -N2 hostname | sort
flux jobs -a -no '{status} {nodelist}'
echo "args: $*"
exit 5
`;

contract((t, flux) => {
  t.test("the initial program of a batch instance is the script", async (t) => {
    const path = `${flux.disk}/script.sh`;
    const write = ["exec", "-r", "0", "sh", "-c", `cat > ${path}`];
    await flux.run(write, SCRIPT);
    const output0 = `${flux.disk}/script.out`;
    const submit = [
      "exec",
      "-n",
      "-r",
      "0",
      "flux",
      "batch",
      `--output=${output0}`,
      path,
      "a",
      "b",
    ];
    const job = await output(flux, ...submit);
    const log = await eventsUntil(flux, job, "clean");
    t.ok(names(log).indexOf("memo") > names(log).indexOf("start"));
    t.equal(log.find(({ name }) => name === "finish")?.context?.["status"], 5 << 8);
    t.equal(await output(flux, "jobs", "-no", "{annotations.user.usernetes.state}", job), "seen");
    const { stdout } = await flux.run(["exec", "-n", "-r", "0", "cat", output0]);
    t.same(stdout.split("\n").slice(0, 13), [
      "2",
      "node[0-1]",
      "1",
      job,
      "job=unset",
      "flux-config: usernetes is not set",
      "1: node1",
      "4",
      "node0",
      "node1",
      "COMPLETED node[0-1]",
      "args: a b",
      stdout.split("\n")[12],
    ]);
  });

  t.test("a batch instance has the configuration that the job passes", async (t) => {
    const on0 = ["exec", "-n", "-r", "0"];
    const at = (name: string) => `${flux.disk}/${name}`;
    const write = (name: string, text: string) =>
      flux.run(["exec", "-r", "0", "sh", "-c", `cat > ${at(name)}`], text);
    await write("nested.toml", '[usernetes]\ntemplate = "/opt/nested"\n');
    await write("nested.sh", "#!/bin/sh\nflux config get usernetes\n");
    const options = ["-N1", `--conf=${at("nested.toml")}`, `--output=${at("nested.out")}`];
    const job = await output(flux, ...on0, "flux", "batch", ...options, at("nested.sh"));
    await eventsUntil(flux, job, "clean");
    const { stdout } = await flux.run([...on0, "cat", at("nested.out")]);
    t.same(JSON.parse(stdout), { template: "/opt/nested" });
  });
  t.end();
});
