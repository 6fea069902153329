/** A cluster as it was read from Flux, and what that was folded from. */
import type { JobEvent } from "../cluster/fold.js";
import type { Cluster } from "../cluster/state.js";
import type { RecordEvent } from "../record/events.js";

export interface SeenJob {
  cluster: Cluster;
  events: JobEvent[];
  record: RecordEvent[];
}
