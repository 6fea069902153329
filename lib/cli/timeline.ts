/** `flux usernetes timeline`: shows which step took how long on which ranks. */
import type { Run } from "../host/command.js";
import { CommandError, EXIT } from "../errors.js";
import { terminalLook, nameOf } from "../view/terminal.js";
import { noCluster } from "../view/status.js";
import { timelineJson } from "../view/timeline/json.js";
import { timelineSvg } from "../view/timeline/svg.js";
import { timelineLines } from "../view/timeline/text.js";
import { timelineOf } from "../view/timeline/timeline.js";
import { clusterIdOf, seeCluster } from "./cluster-argument.js";
import { HelpedCommand } from "../help/command-help.js";
import { writeWhole } from "./write-whole.js";

interface TimelineOptions {
  svg?: string;
  json?: true;
}

export function timelineCommand(run: Run): HelpedCommand {
  return new HelpedCommand({
    name: "timeline",
    summary: "show which step took how long on which ranks",
    operands: {
      "<cluster>": "job ID, in any form, or `instance` for the cluster of the whole instance",
    },
    options: {
      "--svg <file>": "draw the timeline as SVG into this file (-: stdout)",
      "--json": "print an object",
    },
    details: [
      `Works from the record, during bring-up and after the job has ended. * marks the longest
       chain (the critical path): the cluster can only be ready sooner if one of these steps is
       shorter. Time outside the steps is Flux and daemon overhead. Ranks that are recorded
       together share one bar. For a step with many bars, the fastest, the median and the slowest
       are shown. A bar names its hosts if there is room.`,
      `The width is that of the terminal, or COLUMNS, or 80. The SVG is one self-contained file; an
       existing file is overwritten.`,
    ],
    exits: {
      0: "done",
      1: "no such cluster, or the file cannot be written",
      2: "wrong usage",
      4: "no Flux instance",
    },
    examples: [
      "flux usernetes timeline ƒ2QT1HSJy5",
      "flux usernetes timeline --svg=bring-up.svg ƒ2QT1HSJy5",
    ],
  }).action(async (name: string, { svg, json }: TimelineOptions) => {
    if (svg !== undefined && json)
      throw new CommandError(EXIT.usage, "timeline: give --svg or --json, not both");
    await show(run, await clusterIdOf(run, name), { svg, json: json ?? false });
  });
}

async function show(
  run: Run,
  jobid: bigint,
  { svg, json }: { svg: string | undefined; json: boolean },
): Promise<void> {
  const seen = await seeCluster(run, jobid);
  const look = lookHere();
  if (!seen.cluster.claim)
    throw new CommandError(EXIT.failed, `${nameOf(jobid, look)}: ${noCluster(seen.cluster)}`);
  const now = Date.now() / 1000;
  const timeline = timelineOf(seen, now);
  if (svg === "-") process.stdout.write(timelineSvg(timeline));
  else if (svg !== undefined) writeWhole(svg, timelineSvg(timeline));
  else if (json) process.stdout.write(`${JSON.stringify(timelineJson(timeline))}\n`);
  else
    process.stdout.write(
      timelineLines(timeline, look)
        .map((line) => `${line}\n`)
        .join(""),
    );
}

/** The properties of the terminal. COLUMNS overrides the width, also in a pipe. */
function lookHere() {
  const look = terminalLook();
  const columns = Number(process.env["COLUMNS"]);
  return Number.isInteger(columns) && columns > 0 ? { ...look, width: columns } : look;
}
