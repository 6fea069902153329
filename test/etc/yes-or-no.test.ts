/** All programs that parse yes and no accept the same texts. */
import { execa } from "execa";
import t from "tap";
import { parseRequest } from "../../lib/cluster/request.js";
import { packagePath } from "../../lib/host/package.js";
import { NEITHER, NO, YES } from "../cluster/yes-or-no.js";
import { playPlugins, whyNoPython } from "../fakes/flux-plugins.js";
import { findLua, luaLiteral, whyNoLua } from "../sandbox/lua.js";

type Meaning = "yes" | "no" | "neither";
const WORDS = [...YES, ...NO, ...NEITHER];
const MEANINGS: Meaning[] = [
  ...YES.map(() => "yes" as const),
  ...NO.map(() => "no" as const),
  ...NEITHER.map(() => "neither" as const),
];
const python = { skip: whyNoPython ?? false };

t.test("the daemon knows each spelling of yes and no", (t) => {
  const meaning = (usernetes: string): Meaning => {
    const request = parseRequest({ usernetes });
    return "refused" in request ? "neither" : request.asks ? "yes" : "no";
  };
  t.strictSame(WORDS.map(meaning), MEANINGS);
  t.end();
});

for (const by of ["cli", "validator"] as const)
  t.test(`Flux's ${by} plugin knows each spelling of yes and no`, python, (t) => {
    const answers = playPlugins(
      WORDS.map((usernetes) => ({ by, attributes: { user: { usernetes } } })),
    );
    const meanings = answers.map(({ error, asks }): Meaning => {
      if (error !== undefined) return "neither";
      return asks ? "yes" : "no";
    });
    t.strictSame(meanings, MEANINGS);
    t.end();
  });

t.test("the bridge knows each spelling, and lets the daemon refuse others", python, async (t) => {
  const program = `import json, sys, jobs
print(json.dumps([jobs.asks(word) for word in sys.argv[1:]]))`;
  const argv = ["-B", "-c", program, ...WORDS];
  const { stdout } = await execa("python3", argv, { cwd: packagePath("plugin/bridge") });
  t.strictSame(
    JSON.parse(stdout),
    MEANINGS.map((meaning) => meaning !== "no"),
  );
});

t.test("usernetes by hand knows each spelling of yes and no", python, async (t) => {
  const program = `import json, sys, by_hand_settings
meanings = {True: "yes", False: "no", None: "neither"}
print(json.dumps([meanings[by_hand_settings.yes_or_no(word)] for word in sys.argv[1:]]))`;
  const argv = ["-B", "-c", program, ...WORDS];
  const { stdout } = await execa("python3", argv, { cwd: packagePath("lib/node") });
  t.strictSame(JSON.parse(stdout), MEANINGS);
});

t.test(
  "the shell plugin knows each spelling of yes and no",
  { skip: whyNoLua() ?? false },
  async (t) => {
    const shell = [packagePath("test/sandbox/shell.lua")];
    const plugin = packagePath("etc/flux/shell/lua.d/usernetes.lua");
    const asks = await Promise.all(
      [...YES, ...NO].map(async (usernetes) => {
        const info = { jobid: 1, rank: 1, jobspec: { attributes: { user: { usernetes } } } };
        // No daemon answers, so the plugin ends a job that requests a cluster.
        const input = `${luaLiteral({ info, options: {}, env: {} })}\n`;
        const options = { input, env: { PATH: "/nonexistent" }, extendEnv: false, reject: false };
        const lua = (await execa("which", [findLua() ?? "lua"])).stdout;
        const { exitCode, stdout } = await execa(lua, [...shell, plugin], options);
        return exitCode === 1 && stdout.startsWith("die")
          ? "yes"
          : stdout === "done"
            ? "no"
            : stdout;
      }),
    );
    t.strictSame(asks, [...YES.map(() => "yes"), ...NO.map(() => "no")]);
  },
);
