/** What `flux-usernetes list` asks of Flux. */
import { execa } from "execa";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { FakeFlux } from "../fakes/fake-flux.js";

t.test("-A goes before -u, as in flux jobs", async (t) => {
  const flux = new FakeFlux(t.testdir(), 'echo "$*" >>"$NOTES/asked"; [ "$1" = jobs ]');
  const main = packagePath("dist", "lib", "cli", "flux-usernetes.js");
  const asked = async (...words: string[]) => {
    flux.note("asked", "");
    await execa(process.execPath, [main, "list", ...words], { env: flux.env, extendEnv: false });
    return flux.noted("asked");
  };
  const [both = "", ...open] = await asked("-A", "-u", "alice");
  t.match(both, /^jobs .* -A$/);
  t.ok(open.includes("kvs ls -1 usernetes.cluster"), "with those that no filter can find");
  const own = await asked("-u", "alice");
  t.match(own, [/^jobs .* --user=alice$/]);
  t.equal(own.length, 1);
});
