/**
 * The job manager's journal, as an RPC with `full: false` gives it: each active
 * job with the allowed part of its history, then the sentinel, then live events.
 */
import type { Entry } from "./eventlog.js";
import type { Instance } from "./instance.js";
import type { Job } from "./job.js";

export interface JournalReader {
  /** Events of one job; `first` is set the first time a job is told. */
  events(job: Job, entries: Entry[]): void;
  sentinel(): void;
}

/** Everything is told in order, each a moment after it happened. Returns how to stop. */
export function readJournal(
  instance: Instance,
  names: Set<string>,
  reader: JournalReader,
): () => void {
  let stopped = false;
  const later = (tell: () => void) => {
    setTimeout(() => {
      if (!stopped) tell();
    }, instance.journalDelayMs);
  };
  for (const job of instance.jobs.jobs.values()) {
    if (job.state === "INACTIVE" || !job.journaled) continue;
    const history = job.entries.filter(({ name }) => names.has(name));
    later(() => {
      reader.events(job, history);
    });
  }
  later(() => {
    reader.sentinel();
  });
  const off = instance.jobs.onEvent((job, entry) => {
    if (!names.has(entry.name)) return;
    later(() => {
      reader.events(job, [entry]);
    });
  });
  return () => {
    stopped = true;
    off();
  };
}
