/** Formats an event of the record as one line, for output to a pipe. Pure. */
import { names, type Cluster } from "../cluster/state.js";
import { decodeIdset } from "../flux/idset.js";
import type { RecordEvent } from "../record/events.js";
import { fsd } from "./terminal.js";

/**
 * `2.1s up: ok on node[0-1] (rank 0-1) in 2.0s`. The first time is the time since `from`, which is
 * in seconds since the epoch.
 */
export function eventLine(event: RecordEvent, cluster: Cluster, from: number): string {
  return `${fsd(Math.max(0, event.timestamp - from)).padStart(7)} ${eventText(event, cluster)}`;
}

function eventText(event: RecordEvent, cluster: Cluster): string {
  const on = (ranks: string) => names(cluster, decodeIdset(ranks));
  switch (event.name) {
    case "claim":
      return `${event.context.avoid ? "other ports or subnets" : "starting"} on ${on(event.context.ranks)}`;
    case "step-start": {
      const { step, ranks, attempt } = event.context;
      return `${step}: begins on ${on(ranks)}${attempt > 1 ? `, try ${attempt}` : ""}`;
    }
    case "step-progress":
      return `${event.context.step}: waiting for ${event.context.note}`;
    case "step-finish": {
      const { step, ranks, status, seconds, note } = event.context;
      return `${step}: ${status} on ${on(ranks)} in ${fsd(seconds)}${note ? `: ${note}` : ""}`;
    }
    case "settle":
      return `${event.context.outcome}${event.context.note ? `: ${event.context.note}` : ""}`;
    case "teardown-start":
      return `stopping: ${event.context.reason}`;
    case "down": {
      const { left, kept } = event.context;
      if (kept) return "kept for debugging";
      return left.length > 0 ? `leftovers on ${names(cluster, left)}` : "gone";
    }
    default:
      // A later version may write other events.
      return (event as { name: string }).name;
  }
}
