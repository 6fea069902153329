/** The calls of flux that `flux usernetes list` makes. */
import { execa } from "execa";
import t, { type Test } from "tap";
import { packagePath } from "../../lib/host/package.js";
import { FakeFlux } from "../fakes/fake-flux.js";

const main = packagePath("dist", "bundle", "flux-usernetes.js");

/** Collects the calls of flux that a command makes in an instance of this or another owner. */
function asker(t: Test, owner = process.getuid?.() ?? 0) {
  const flux = new FakeFlux(
    t.testdir(),
    `echo "$*" >>"$NOTES/asked"; [ "$1" != getattr ] || echo ${owner}; [ "$1" != kvs ]`,
  );
  return async (...words: string[]) => {
    flux.note("asked", "");
    await execa(process.execPath, [main, ...words], { env: flux.env, extendEnv: false });
    return flux.noted("asked").filter((line) => /^(jobs|kvs ls) /.test(line));
  };
}

t.test("-A overrides -u, as in flux jobs", async (t) => {
  const asked = asker(t);
  const [both = "", ...open] = await asked("list", "-A", "-u", "alice");
  t.match(both, /^jobs .* -A$/);
  t.ok(open.includes("kvs ls -1 usernetes.cluster"), "with those that no filter can find");
  t.match(await asked("list", "-u", "alice"), [/^jobs .* --user=alice$/]);
});

t.test("the owner sees all jobs, a guest only their own unless -A is given", async (t) => {
  for (const [words, whose] of [
    [["list"], { owner: / -A$/, guest: /--count=1001$/ }],
    [["status"], { owner: / -A$/, guest: /--count=1001$/ }],
    [["list", "-a"], { owner: / -A -a$/, guest: /--count=1001 -a$/ }],
    [["list", "-A"], { owner: / -A$/, guest: / -A$/ }],
  ] as const) {
    t.match((await asker(t)(...words))[0], whose.owner, `owner: ${words.join(" ")}`);
    t.match((await asker(t, 4_000_000)(...words))[0], whose.guest, `guest: ${words.join(" ")}`);
  }
});
