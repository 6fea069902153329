/** Makes records whose steps have durations. Times are seconds since BEGIN. */
import type { JobEvent } from "../../lib/cluster/fold.js";
import type { RecordEvent } from "../../lib/record/events.js";
import { BEGIN, claimEvent, step } from "./clusters.js";

/** Makes the end of a step, such as `up 0` or `up 1 failed`, that ran between these times. */
export function ends(words: string, from: number, to: number, attempt = 1): RecordEvent {
  const note = words.split(" ")[2] === undefined ? "" : "exit 2";
  const event = step(words, { at: BEGIN + to, attempt, note });
  if (event.name === "step-finish") event.context.seconds = Math.round((to - from) * 1000) / 1000;
  return event;
}

export const begins = (words: string, at: number): RecordEvent =>
  step(`${words} running`, { at: BEGIN + at });

/** Returns the whole life of a cluster of three nodes, from alloc to clean. */
export function wholeLife(): { record: RecordEvent[]; events: JobEvent[] } {
  const at = (time: number) => ({ timestamp: BEGIN + time });
  const record: RecordEvent[] = [
    claimEvent(),
    ...[ends("stage 0-2", 0.1, 0.3), ends("up 0-2", 0.3, 2.3), ends("kubeadm-init 0", 2.3, 5.3)],
    ...[ends("kubeconfig 0", 5.3, 5.4), ends("join-command 0", 5.4, 5.6)],
    ...[ends("publish-join 0", 5.6, 5.7), ends("fetch-join 1-2", 5.7, 5.8)],
    ...[ends("kubeadm-join 1-2", 5.8, 7.8), ends("remove-archive 0", 7.8, 7.9)],
    ...[ends("sync-external-ip 0", 7.8, 8.3), ends("install-flannel 0", 8.3, 9.3)],
    ...[ends("delete-token 0", 9.3, 9.4), ends("wait-ready 0", 9.4, 10.3)],
    { ...at(10.3), name: "settle", context: { outcome: "ready", kubeconfig: "/tmp/k" } },
    { ...at(12), name: "teardown-start", context: { reason: "finish" } },
    ends("down-v 0-2", 12.1, 13.1),
    { ...at(13.1), name: "down", context: { left: [] } },
  ];
  const events = [
    { ...at(-0.1), name: "alloc" },
    { ...at(10.4), name: "start" },
    { ...at(11.9), name: "finish", context: { status: 0 } },
    ...[
      { ...at(13.1), name: "free" },
      { ...at(13.1), name: "clean" },
    ],
  ];
  return { record, events };
}
