/** Tests of the options --usernetes and --usernetes-options, and of the errors about bad values. */
import t from "tap";
import { whyNoPython } from "../fakes/flux-plugins.js";
import { CLI_PLUGINS, VALIDATOR } from "../sandbox/plugins.js";
import { contract } from "./contract.js";
import { CONFIG, output, type FluxUnderTest } from "./flux-under-test.js";

const HOLD = "--urgency=hold";
const BAD = "--setattr=user.usernetes=maybe";
const WHY = 'attributes.user.usernetes: found "maybe", allowed: yes or no';

const refused = async (flux: FluxUnderTest, ...args: string[]) => {
  const { exitCode, stdout, stderr } = await flux.run(args);
  return { exitCode, stdout, stderr };
};

t.test("the CLI plugin and the validator work as in Flux", { skip: whyNoPython ?? false }, (t) => {
  t.pass();
  t.end();
});

// Flux's own validator also loads the plugin of flux submit where that plugin is installed.
if (whyNoPython === undefined)
  contract(
    (t, flux) => {
      t.test("the options become attributes", async (t) => {
        const options = ["--usernetes", "--usernetes-options=engine=podman,debug,tolerate=1"];
        const job = await output(flux, "submit", HOLD, "-N1", ...options, "true");
        const jobspec = JSON.parse(await output(flux, "job", "info", job, "jobspec")) as {
          attributes: { user: unknown };
        };
        t.same(jobspec.attributes.user, {
          usernetes: "yes",
          usernetes_engine: "podman",
          usernetes_debug: "yes",
          usernetes_tolerate: "1",
        });
        await output(flux, "cancel", job);
      });

      t.test("wrong options are refused in one line", async (t) => {
        for (const command of [["submit"], ["run"], ["batch", "-N1", "--wrap"]]) {
          const [name = "", ...more] = command;
          const options = ["--usernetes", "--usernetes-options=engine=rkt"];
          t.same(await refused(flux, name, ...options, ...more, "true"), {
            exitCode: 1,
            stdout: "",
            stderr: `flux-${name}: ERROR: --usernetes-options: engine: found "rkt", allowed: docker, podman or nerdctl\n`,
          });
        }
      });

      t.test("a bad attribute is refused at submission, in one line", async (t) => {
        for (const [stderr, name, ...more] of [
          ["[Errno 1] ", "submit"],
          ["flux-run: ERROR: ", "run"],
          ["flux-batch: ERROR: ", "batch", "-N1", "--wrap"],
        ] as const) {
          const result = await refused(flux, name, BAD, ...more, "true");
          t.match(result, { exitCode: 1, stdout: "" });
          t.ok(result.stderr.startsWith(`${stderr}${WHY}`), result.stderr);
          t.match(result.stderr, /^[^\n]*\n$/);
        }
      });
      t.end();
    },
    () => CONFIG,
    { FLUX_CLI_PLUGINPATH: CLI_PLUGINS },
  );

if (whyNoPython === undefined)
  contract(
    (t, flux) => {
      t.test("the validator refuses a bad attribute if the configuration names it", async (t) => {
        const result = await refused(flux, "submit", BAD, "true");
        t.match(result, { exitCode: 1, stdout: "" });
        t.ok(result.stderr.startsWith(`[Errno 1] ${WHY}`), result.stderr);
      });

      t.test("the validator accepts valid attributes and jobs without any", async (t) => {
        for (const option of ["user.usernetes=yes", "user.other=maybe"])
          await output(
            flux,
            "cancel",
            await output(flux, "submit", HOLD, `--setattr=${option}`, "true"),
          );
        t.pass();
      });
      t.end();
    },
    () => `${CONFIG}[ingest.validator]\nplugins = ["jobspec", "${VALIDATOR}"]\n`,
  );
