/** Commands print job IDs with a `ƒ` if the locale has that character, otherwise with an `f`. */
import { execa } from "execa";
import t from "tap";
import { packagePath } from "../../lib/host/package.js";
import { formatEvent } from "../../lib/record/events.js";
import { claimEvent, settle } from "../fakes/clusters.js";
import { FakeFlux } from "../fakes/fake-flux.js";

/** A stand-in for flux: job 1 is held, job 2 has no cluster, and no other job exists. */
const FLUX = `case "$1 $2 $3 $4" in
  "python "*) echo '{"clusters":[]}' ;;
  "job info 1 jobspec")
    echo '{"attributes":{"user":{"usernetes":"yes","usernetes_debug":"yes"}}}' ;;
  "job info 1 usernetes.eventlog") cat "$NOTES/record" ;;
  "job info 2 jobspec") echo '{}' ;;
  "job info "[12]" eventlog") cat "$NOTES/eventlog" ;;
  "job info 2 "*) echo "flux-job: key not found" >&2; exit 1 ;;
  "job info "*) echo "flux-job: invalid job id" >&2; exit 1 ;;
  "job id "*) exit 1 ;;
esac`;

t.test("every program prints a plain f in job IDs if the locale has no ƒ", async (t) => {
  const flux = new FakeFlux(t.testdir(), FLUX);
  flux.note("record", [claimEvent(), settle("ready")].map(formatEvent).join(""));
  flux.note("eventlog", '{"timestamp":1,"name":"submit","context":{"userid":500}}\n');
  const main = packagePath("dist", "bundle", "flux-usernetes.js");
  const reported = async (locale: string, ...words: string[]) => {
    const options = { env: { ...flux.env, LC_ALL: locale }, extendEnv: false, reject: false };
    const { all } = await execa(process.execPath, [main, ...words], { ...options, all: true });
    return all;
  };
  const [held, other, none, cleaned, wrong, wide] = await Promise.all([
    reported("C", "release", "1"),
    reported("C", "release", "2"),
    reported("C", "status", "3"),
    reported("C", "clean", "1"),
    reported("C", "status", "!"),
    reported("C.UTF-8", "release", "2"),
  ]);
  t.equal(held, "f2: released");
  t.match(other, "flux-usernetes: f3 is not held: ");
  t.match(none, "flux-usernetes: there is no job f4");
  t.equal(cleaned, "f2: nothing is left");
  t.match(wrong, "expected f58, decimal");
  t.match(wide, "flux-usernetes: ƒ3 is not held: ");
});
