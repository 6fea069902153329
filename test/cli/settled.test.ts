/** `flux usernetes wait` on a machine where Flux answers late. */
import t from "tap";
import { settled } from "../../lib/cli/settled.js";
import { SlowFluxError } from "../../lib/flux/no-instance.js";
import type { Command, Outcome } from "../../lib/host/command.js";

const JOBID = 1n;
const ANSWERS: Record<string, string> = {
  eventlog: '{"timestamp":1,"name":"submit","context":{"userid":1}}\n',
  jobspec: '{"attributes":{"user":{"usernetes":"yes"}}}',
  "usernetes.eventlog":
    '{"timestamp":2,"name":"settle","context":{"outcome":"ready","kubeconfig":"/tmp/k"}}\n',
};

/** A Flux whose first `late` answers about the eventlog come too late. */
function slowFlux(late: number) {
  let asked = 0;
  const run = ({ argv }: Command): Promise<Outcome> => {
    const key = argv.at(-1) ?? "";
    const timedOut = key === "eventlog" && ++asked <= late;
    return Promise.resolve({
      exitCode: timedOut ? undefined : 0,
      stdout: timedOut ? "" : (ANSWERS[key] ?? ""),
      stderr: "",
      timedOut,
      reason: timedOut ? "Command timed out after 20000 milliseconds: setpriv flux" : "",
    });
  };
  return { run, times: () => asked };
}

t.test("a request that Flux answers too late is repeated", async (t) => {
  const flux = slowFlux(2);
  await settled(flux.run, JOBID, 60_000);
  t.equal(flux.times(), 3);
});

t.test("the wait ends if Flux does not answer, and names the request", async (t) => {
  const flux = slowFlux(Infinity);
  const error = await settled(flux.run, JOBID, 60_000).then(
    () => undefined,
    (error: unknown) => error,
  );
  t.ok(error instanceof SlowFluxError);
  t.match(error, {
    status: 4,
    message:
      /^flux job info \S+ eventlog: Flux did not answer in time; try again, or see `flux ping 0`$/,
  });
  t.equal(flux.times(), 3);
});
