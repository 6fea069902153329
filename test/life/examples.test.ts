/**
 * Runs the code blocks of the three examples in docs/user.md unchanged. Stand-ins replace the
 * programs that users provide themselves.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { codeBlocks, readDocument } from "../docs/documents.js";
import { ENGINES } from "../sandbox/paths.js";
import { life } from "./life.js";

const [, batchPart = "", allocPart = "", servicePart = ""] =
  readDocument("docs/user.md").split(/^## Example: .*$/m);
const [BATCH = "", SUBMIT_BATCH = ""] = codeBlocks(batchPart);
const [ALLOC = ""] = codeBlocks(allocPart);
const [MODEL = "", SERVICE = "", SUBMIT_SERVICE = ""] = codeBlocks(
  servicePart.split(/^## /m)[0] ?? "",
);

/** A kubectl with further verbs, which the template's stand-in does not have. */
const KUBECTL = `#!/bin/sh
case $1 in
  apply) test -s "$3" && grep -q kind: "$3" && echo "applied $3" ;;
  rollout) echo "rolled out $3" ;;
  port-forward) cd "$(dirname "$0")/../www" && exec python3 -m http.server "\${5%:80}" 2>/dev/null ;;
  *) exec ${ENGINES}/kubectl "$@" ;;
esac
`;

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });

life(async (t, flux) => {
  await flux.startDaemon();
  const file = (...names: string[]) => join(flux.place.common, ...names);
  const put = (name: string, text: string) => {
    writeFileSync(file(name), text);
    chmodSync(file(name), 0o755);
  };
  for (const folder of ["bin", "www"]) mkdirSync(file(folder), { recursive: true });
  put("bin/kubectl", KUBECTL);
  put("my-app.yaml", "kind: Pod\n");
  put("simulation", "#!/bin/sh\necho simulated on $(hostname)\n");
  put("model.yaml", `${MODEL}\n`);
  put("www/index.html", "a model\n");
  put("client", '#!/bin/sh\ncurl -fs "http://localhost:${1##*:}/"\n');

  /** Loads the shell plugin in nested instances, as the shells of an installed Flux do. */
  const settings =
    flux.kind === "embedded"
      ? []
      : [
          `--broker-opts=--setattr=conf.shell_initrc=${await flux.output("flux", "getattr", "conf.shell_initrc")}`,
        ];
  const path = `export PATH=${file("bin")}:$PATH\ncd ${flux.place.common}\n`;

  /** Submits a script with the document's command line, and returns the job's output. */
  const submit = async (line: string, name: string, script: string): Promise<string> => {
    const [, command = ""] = /(flux batch \S+?)\)?$/.exec(line) ?? [];
    t.equal(command, `flux batch ${name}`);
    put(name, script.replace(/^set -e$/m, `set -e\n${path}`));
    const out = file(`${name}.out`);
    const argv = ["flux", "batch", ...settings, `--output=${out}`, file(name)];
    const job = await flux.output(...argv);
    await flux.waitForEnd(job);
    const [status] = (await flux.events(job)).filter((entry) => entry.name === "finish");
    const text = readFileSync(out, "utf8");
    t.equal(status?.context?.["status"], 0, text);
    return text;
  };

  await t.test("the batch script in the user's guide works", async (t) => {
    const text = await submit(SUBMIT_BATCH.split("\n")[0]?.slice(2) ?? "", "batch.sh", BATCH);
    t.match(text, /^u7s-\S+ +Ready/m, "its nodes are Ready");
    t.match(text, "applied my-app.yaml");
    t.equal(text.match(/^simulated on/gm)?.length, 2);
  });

  await t.test("the interactive allocation in the user's guide works", async (t) => {
    const [alloc = "", ...lines] = ALLOC.split("\n").map((line) => line.replace(/^\$ /, ""));
    t.match(alloc, /^flux alloc -N2 --setattr=attributes\.user\.usernetes=yes$/);
    t.equal(lines.at(-1), "exit");
    const options = alloc.split(" ").slice(2);
    put("alloc.sh", `#!/bin/sh\n${path}${lines.join("\n")}\n`);
    if (flux.kind === "embedded") {
      // The embedded Flux has no flux-alloc, so a batch job runs the same lines.
      const out = file("alloc.out");
      const job = await flux.output(
        "flux",
        "batch",
        ...options,
        `--output=${out}`,
        file("alloc.sh"),
      );
      await flux.waitForEnd(job);
      t.match(readFileSync(out, "utf8"), /Ready[^]*\nnode\d\nnode\d\n/);
      return;
    }
    // script(1) provides a terminal. The lines come from a file, so that they run one by one.
    const command = ["flux", "alloc", ...settings, ...options, file("alloc.sh")].join(" ");
    const { stdout } = await flux.run(["script", "-qec", command, "/dev/null"]);
    t.match(stdout, /Ready[^]*\nnode\d\r?\nnode\d\r?\n/);
  });

  await t.test("the service with a port in the user's guide works", async (t) => {
    const port = String(await freePort());
    const script = SERVICE.replaceAll("8000", port);
    const text = await submit(SUBMIT_SERVICE.slice(2), "service.sh", script);
    t.match(text, "rolled out deployment/model");
    t.equal(text.match(/^a model$/gm)?.length, 2, "a client on each node");
  });

  t.same(await flux.leftovers(), []);
}, 'ready = "dns"\n');
