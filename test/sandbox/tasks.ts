/** Assigns the tasks of a job to ranks, and runs a task. */
import { asUser } from "./guests.js";
import type { OutputLine } from "./job-output.js";
import type { Job } from "./job.js";
import { requestOf } from "./jobspec.js";
import type { Played } from "./parts.js";
import { launch, type Ending } from "./process.js";

export interface Task {
  id: number;
  rank: number;
  localId: number;
}

/** Numbers the tasks in the order of the ranks. Each rank gets as many tasks as it has slots. */
export function placeTasks(job: Job): Task[] {
  const { nodes, shared, slots, coresPerSlot } = requestOf(job.jobspec);
  const tasks: Task[] = [];
  for (const [rank, cores] of job.allocation?.cores ?? []) {
    const here = nodes !== undefined && !shared ? slots : Math.floor(cores.length / coresPerSlot);
    for (let localId = 0; localId < here; localId++)
      tasks.push({ id: tasks.length, rank, localId });
  }
  return tasks;
}

export interface TaskSetting {
  env: Record<string, string>;
  print: (line: OutputLine) => void;
  count: number;
}

export async function runTask(run: Played, task: Task, setting: TaskSetting): Promise<Ending> {
  const { instance, job } = run;
  const printer = (stream: "stdout" | "stderr") => (chunk: Buffer) => {
    const text = chunk.toString("utf8");
    for (const data of text.match(/[^\n]*\n|[^\n]+$/g) ?? [])
      setting.print({ stream, rank: task.id, data });
  };
  const running = launch({
    host: instance.host(task.rank),
    argv: asUser(job.userid, job.jobspec.tasks[0]?.command ?? []),
    cwd: job.jobspec.attributes.system.cwd,
    env: {
      ...setting.env,
      ...run.environment(),
      FLUX_JOB_SIZE: String(setting.count),
      FLUX_TASK_RANK: String(task.id),
      FLUX_TASK_LOCAL_ID: String(task.localId),
      FLUX_KVS_NAMESPACE: `job-${job.id}`,
    },
    uri: instance.uri(task.rank),
    stdin: false,
    onStdout: printer("stdout"),
    onStderr: printer("stderr"),
  });
  run.processes.add(running);
  if (run.aborted.aborted) running.kill("SIGTERM");
  const ending = await running.ended;
  run.processes.delete(running);
  return ending;
}
