/**
 * Runs a job of `flux batch`: an instance on the job's nodes, with ranks numbered from 0. The
 * script is its initial program.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { f58 } from "../../lib/flux/jobid.js";
import { outputWriter } from "./job-files.js";
import { batchConfiguration, batchScript } from "./jobspec.js";
import type { Played } from "./parts.js";
import { launch, statusOf } from "./process.js";
import { runScripts } from "./rc.js";

export async function runBatchScript(run: Played, env: Record<string, string>): Promise<number> {
  const { instance, job, ranks } = run;
  const lead = ranks[0] ?? 0;
  const print = outputWriter(instance, job, lead);
  const script = join(instance.jobDirectory(job), "script");
  writeFileSync(script, batchScript(job.jobspec) ?? "");
  chmodSync(script, 0o700);
  const nested = await instance.openNested(job, ranks, batchConfiguration(job.jobspec));
  const uri = nested.uri(0);
  job.uri = uri;
  instance.jobs.post(job, "memo", { uri: uri.replace("local://", `ssh://${nested.host(0).name}`) });
  const inherited = Object.entries({ ...env, FLUX_ENCLOSING_ID: f58(job.id) }).filter(
    ([key]) => !/^FLUX_(JOB|TASK|KVS)_/.test(key),
  );
  const inside = Object.fromEntries(inherited);
  await runScripts(nested, inside, "rc1.d");
  const printer = (stream: "stdout" | "stderr") => (chunk: Buffer) => {
    print({ stream, rank: 0, data: chunk.toString("utf8") });
  };
  const running = launch({
    host: nested.host(0),
    argv: [script, ...(job.jobspec.tasks[0]?.command.slice(3) ?? [])],
    cwd: job.jobspec.attributes.system.cwd,
    env: inside,
    uri,
    stdin: false,
    onStdout: printer("stdout"),
    onStderr: printer("stderr"),
  });
  run.processes.add(running);
  if (run.aborted.aborted) running.kill("SIGTERM");
  const ending = await running.ended;
  run.processes.delete(running);
  await runScripts(nested, inside, "rc3.d");
  await nested.close();
  return statusOf(ending);
}
