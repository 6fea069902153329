/** `flux usernetes list`: lists the clusters of the instance, with the filters of `flux jobs`. */
import type { Run } from "../host/command.js";
import { CommandError, EXIT } from "../errors.js";
import { seeClusters } from "../view/clusters.js";
import { HEADING, listLines, order } from "../view/list.js";
import { cut, terminalLook, nameOf } from "../view/terminal.js";
import { summaryJson } from "../view/summary.js";
import { HelpedCommand } from "../help/command-help.js";
import { isOwner } from "./instance.js";

interface ListOptions {
  all?: true;
  A?: true;
  user?: string;
  filter?: string;
  since?: string;
  name?: string;
  queue?: string;
  include?: string;
  count: string;
  header: boolean;
  json?: true;
}

export function listCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "list",
    summary: "list the clusters of the instance",
    operands: { "[job...]": "list the clusters of these jobs only" },
    options: {
      "-a, --all": "include clusters that have been removed",
      "-A": "list the clusters of all users (overrides -u)",
      "-u, --user <user>": "list the clusters of this user's jobs",
      "-f, --filter <state>": "list only jobs in this state or with this result",
      "--since <when>": "include jobs that ended after WHEN, like -1h",
      "--name <name>": "list only jobs with this name",
      "-q, --queue <queue>": "list only jobs in this queue",
      "-i, --include <targets>": "list only jobs on these hosts or ranks",
      "-c, --count <n>": { text: "examine at most N jobs (0: no limit)", default: "1000" },
      "-n, --no-header": "omit the header line",
      "--json": "print an array of objects",
    },
    details: [
      `The filters are those of flux jobs. A guest sees the clusters of their own jobs. The
       instance owner sees all clusters, the instance's own, and leftover resources.`,
      `States: starting, ready, failed, held, stopping. After the end: gone, kept (for debugging),
       left (resources remain on a node; remove them with flux usernetes clean JOB).`,
    ],
    exits: { 0: "done", 2: "wrong usage", 4: "no Flux instance" },
    examples: ["flux usernetes list", "flux usernetes list -a --since=-1h --json"],
  }).action(async (jobs: string[], options: ListOptions) => {
    const { all, filter, since, json, name, queue, include } = options;
    const chosen = [userOf(options), filter, since, name, queue, include].some(
      (it) => it !== undefined,
    );
    const ended = all ?? (jobs.length > 0 || filter !== undefined || since !== undefined);
    const seen = await seeClusters(run, {
      filters: await filters(run, jobs, options),
      count: jobs.length > 0 ? 0 : countOf(options),
      open: jobs.length === 0 && !chosen,
      warn,
    });
    const shown = order(seen.filter(({ state }) => ended || state !== "gone"));
    const look = terminalLook();
    const now = Date.now() / 1000;
    if (json) {
      const values = shown.map((each) => summaryJson(each, now, nameOf(each.jobid)));
      process.stdout.write(`${JSON.stringify(values)}\n`);
      return;
    }
    const lines = [...(options.header ? [cut(HEADING, look)] : []), ...listLines(shown, now, look)];
    process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  });
}

function countOf({ count }: ListOptions): number {
  if (/^[0-9]{1,9}$/.test(count)) return Number(count);
  throw new CommandError(EXIT.usage, `--count: found "${count}", allowed: a whole number`);
}

export function warn(text: string): void {
  process.stderr.write(`flux-usernetes: ${text}\n`);
}

/** `-A` overrides `-u`, as in `flux jobs`. */
const userOf = ({ A, user }: ListOptions) => (A ? undefined : user);

/**
 * The arguments of `flux jobs` that select the users. The instance owner sees all users. A guest
 * sees only their own jobs, so that jobs of other users do not use up the count.
 */
export async function ofWhom(run: Run): Promise<string[]> {
  return (await isOwner(run)) ? ["-A"] : [];
}

async function whose(run: Run, { A, user }: ListOptions): Promise<string[]> {
  if (A) return ["-A"];
  return user === undefined ? ofWhom(run) : [`--user=${user}`];
}

/** Arguments for `flux jobs`. */
async function filters(run: Run, jobs: string[], options: ListOptions): Promise<string[]> {
  const { all, filter, since, name, queue, include } = options;
  // flux jobs ignores filters if job IDs are given, and prints a warning.
  if (jobs.length > 0) return ["--", ...jobs];
  return [
    ...(await whose(run, options)),
    ...(all ? ["-a"] : []),
    ...(filter === undefined ? [] : [`--filter=${filter}`]),
    ...(since === undefined ? [] : [`--since=${since}`]),
    ...(name === undefined ? [] : [`--name=${name}`]),
    ...(queue === undefined ? [] : [`--queue=${queue}`]),
    ...(include === undefined ? [] : [`--include=${include}`]),
  ];
}
