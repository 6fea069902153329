/** The configuration is read from the broker or from a file, and each failure has its exit code. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { loadFile, loadFromBroker } from "../../lib/config/load.js";
import { CommandError } from "../../lib/errors.js";
import type { Command, Outcome } from "../../lib/host/command.js";
import { ended } from "../fakes/playing-run.js";

async function refusal(load: Promise<unknown>): Promise<{ status: number; message: string }> {
  const error: unknown = await load.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CommandError)) throw new Error("it was not refused", { cause: error });
  return { status: error.status, message: error.message };
}

t.test("a TOML file can be the configuration", (t) => {
  const directory = t.testdir();
  const write = (text: string): string => {
    const file = join(directory, "usernetes.toml");
    writeFileSync(file, text);
    return file;
  };

  t.test("a TOML file gives its checked table", async (t) => {
    const file = write('[usernetes]\ntemplate = "/opt/u"\n[usernetes.attempts]\nup = 4\n');
    const { config, table } = await loadFile(file);
    t.equal(config.template, "/opt/u");
    t.strictSame(config.attempts, { up: 4, "kubeadm-init": 2, "kubeadm-join": 3 });
    t.strictSame(JSON.parse(JSON.stringify(table)), { template: "/opt/u", attempts: { up: 4 } });
  });

  t.test("a malformed TOML file is refused with the place", async (t) => {
    const file = write('[usernetes]\ntemplate = "/opt/u\n');
    const { status, message } = await refusal(loadFile(file));
    t.equal(status, 3);
    t.match(message, new RegExp(`^${file}:2:[0-9]+: Invalid TOML document: [^\\n]+$`));
  });

  t.test("a TOML file without the table is refused", async (t) => {
    const file = write('[other]\ntemplate = "/opt/u"\n');
    t.strictSame(await refusal(loadFile(file)), {
      status: 3,
      message: `${file}: there is no table [usernetes] in it`,
    });
  });

  t.test("a bad value in a TOML file is refused with the file's name", async (t) => {
    const file = write('[usernetes]\ntemplate = "/opt/u"\nhold = "maybe"\n');
    t.strictSame(await refusal(loadFile(file)), {
      status: 3,
      message: `${file}: usernetes.hold: found "maybe", allowed: events, perilog`,
    });
  });

  t.test("a missing TOML file is refused", async (t) => {
    const file = join(directory, "nowhere.toml");
    t.strictSame(await refusal(loadFile(file)), {
      status: 3,
      message: `${file}: ENOENT: no such file or directory`,
    });
  });
  t.end();
});

t.test("the broker's configuration is the default", (t) => {
  const env = { FLUX_URI: "local:///run/flux" };
  const answer = (outcome: Partial<Outcome>) => {
    const asked: Command[] = [];
    const run = (command: Command): Promise<Outcome> => {
      asked.push(command);
      return Promise.resolve(ended(outcome));
    };
    return { asked, loaded: loadFromBroker(run, env) };
  };

  t.test("flux config get gives the broker's configuration within a deadline", async (t) => {
    const { asked, loaded } = answer({ stdout: '{"template":"/opt/u","drain":false}\n' });
    const { config, table } = await loaded;
    t.strictSame(asked, [{ argv: ["flux", "config", "get", "usernetes"], env, timeoutMs: 10_000 }]);
    t.equal(config.drain, false);
    t.strictSame(table, { template: "/opt/u", drain: false });
  });

  t.test("a bad value in the broker's configuration is refused", async (t) => {
    const { loaded } = answer({ stdout: '{"template":3}' });
    t.strictSame(await refusal(loaded), {
      status: 3,
      message:
        'broker configuration: usernetes.template: found 3, allowed: an absolute path of 1024 bytes or less, without ":" and without the parts "." and "..", like "/opt/usernetes"',
    });
  });

  t.test("a broker's configuration without the table is refused, with what to do", async (t) => {
    const { loaded } = answer({ exitCode: 1, stderr: "flux-config: usernetes is not set\n" });
    t.strictSame(await refusal(loaded), {
      status: 3,
      message:
        "broker configuration: there is no table [usernetes]; add one with usernetes.template (see flux-config(5)), then `flux config reload`",
    });
  });

  t.test(
    "a broker's configuration that takes too long is reported with its likely cause",
    async (t) => {
      const { loaded } = answer({ exitCode: undefined, timedOut: true });
      t.strictSame(await refusal(loaded), {
        status: 3,
        message:
          "flux config get usernetes: no answer in 10s, which a broken file in the broker's configuration causes; check each file (flux-config(1)), then restart the broker",
      });
    },
  );

  t.test("a missing instance is reported as such", async (t) => {
    const { loaded } = answer({
      exitCode: 1,
      stderr: "flux-config: ERROR: flux_open: No such file\n",
    });
    t.strictSame(await refusal(loaded), {
      status: 4,
      message:
        "no Flux instance answers: flux-config: ERROR: flux_open: No such file; run this on rank 0 of one, or set FLUX_URI",
    });
    const missing = answer({ exitCode: undefined, reason: "spawn flux ENOENT" });
    t.match(await refusal(missing.loaded), {
      status: 4,
      message: /answers: spawn flux ENOENT; run/,
    });
  });
  t.end();
});
