/**
 * The job manager's journal, as the RPC job-manager.events-journal sends it with `full: false`.
 * First comes each active job with the allowed part of its history, then the sentinel, then live
 * events. A submit event includes the jobspec.
 */
import type { Caller, Send } from "./caller.js";
import type { Entry } from "./eventlog.js";
import type { Instance } from "./instance.js";
import type { Job } from "./job.js";
import { pythonJson } from "./python-json.js";

/** Sends all messages in order, until the reader exits. */
export function followJournal(reader: Caller, names: Set<string>, send: Send): void {
  const { instance } = reader;
  const { journal } = instance;
  let stopped = false;
  const inOrder = delayed(instance);
  const later = (message: () => string) => {
    inOrder(() => {
      if (stopped) return;
      journal.sent(reader);
      send({ payload: message() }, true);
    });
  };
  for (const job of instance.jobs.jobs.values()) {
    if (job.state === "INACTIVE" || !job.journaled) continue;
    const history = job.entries.filter(({ name }) => names.has(name));
    later(() => encode(job, history));
  }
  later(() => '{"id": -1, "events": []}');
  const off = instance.jobs.onEvent((job, entry) => {
    if (names.has(entry.name)) later(() => encode(job, [entry]));
  });
  reader.onSeen(() => {
    journal.seen(reader);
  });
  reader.onEnd(() => {
    stopped = true;
    off();
    journal.left(reader);
  });
}

function encode({ id, jobspec }: Job, events: Entry[]): string {
  const isNew = events[0]?.name === "submit";
  return pythonJson({ id, events, ...(isNew && { jobspec }) });
}

/**
 * Sends each message at once, or after the delay that a test has set. The order of the messages
 * does not change.
 */
function delayed(instance: Instance): (act: () => void) => void {
  const waiting: { act: () => void; due: number }[] = [];
  let last = 0;
  const release = () => {
    for (let next = waiting[0]; next; next = waiting[0]) {
      const ms = next.due - performance.now();
      if (ms > 0) {
        setTimeout(release, ms).unref();
        return;
      }
      waiting.shift();
      next.act();
    }
  };
  return (act) => {
    const ms = instance.journalDelayMs;
    last = Math.max(last, ms > 0 ? performance.now() + ms : 0);
    waiting.push({ act, due: last });
    if (waiting.length === 1) release();
  };
}
