/** The destination of a job's output: attached commands, and a file if the job names one. */
import { appendFileSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { f58, kvsDirectory } from "../../lib/flux/jobid.js";
import { encodeEntry, now } from "./eventlog.js";
import type { OutputLine } from "./job-output.js";
import type { Job } from "./job.js";
import { jobName, outputPath } from "./jobspec.js";
import type { Broker } from "./parts.js";

/** Returns the output path with {{id}} and the like filled in, or undefined for the KVS. */
export function outputFile(instance: Broker, job: Job): string | undefined {
  const names: Record<string, string> = {
    id: f58(job.id),
    "id.f58": f58(job.id),
    jobid: f58(job.id),
    name: jobName(job.jobspec),
    tmpdir: instance.jobDirectory(job),
  };
  return outputPath(job.jobspec)?.replace(
    /\{\{([a-z0-9.]+)\}\}/g,
    (all, name: string) => names[name] ?? all,
  );
}

export function outputWriter(instance: Broker, job: Job, lead: number): (line: OutputLine) => void {
  const path = outputFile(instance, job);
  if (path === undefined) {
    const key = `${kvsDirectory(job.id)}.guest.output`;
    return (line) => {
      const { stream, rank, data } = line;
      const context = { stream, rank: String(rank), data };
      instance.kvs.append(key, encodeEntry({ timestamp: now(), name: "data", context }));
      job.output.add(line);
    };
  }
  const { cwd } = job.jobspec.attributes.system;
  const host = instance.host(lead);
  const file = host.toProcess(isAbsolute(path) ? path : join(cwd, path));
  writeFileSync(file, "");
  const nodes = job.allocation?.cores.size ?? 1;
  const label = nodes > 1 ? `[0-${nodes - 1}]` : "0";
  for (const stream of ["stdout", "stderr"])
    job.output.add({
      stream: "stderr",
      rank: -1,
      data: `${label}: ${stream} redirected to ${path}\n`,
    });
  return ({ data }) => {
    appendFileSync(file, host.toProcess(data));
  };
}
