/**
 * The milestones of a cluster's job that are logged, except those that an action of the daemon
 * logs. Each milestone is logged once in a cluster's life.
 */
import { INSTANCE } from "../usernetes/names.js";
import { keptBy } from "./holds.js";
import { isDebug, isHeld, isOver, type Cluster } from "./state.js";

/** The milestones reached so far, by their names, in the order in which they are logged. */
export function milestones(cluster: Cluster): Map<string, string> {
  const { job, settle, claim } = cluster;
  const over = isOver(cluster);
  const ready = settle?.outcome === "ready";
  const reached = new Map<string, string>();
  const add = (name: string, isReached: boolean, text: string): void => {
    if (isReached) reached.set(name, text);
  };
  add("held", job.prolog === "counted" && !over, "kept from starting until its cluster is ready");
  add(
    "late",
    job.prolog === "late",
    "hold came too late; the shell plugin delays the tasks instead",
  );
  add("debug", isHeld(cluster) && !over, "held for debugging, until it is released");
  add("released", isDebug(cluster) && job.releasedAt !== undefined, "released");
  const others = [...job.otherPrologs].join(", ");
  const waits = ready && !isHeld(cluster) && job.prolog === "counted" && !over && others !== "";
  add("others", waits, `ready; waiting for another prolog: ${others}`);
  add("started", job.startAt !== undefined, "the job has started");
  const ends = claim !== undefined && job.startAt !== undefined && job.finishAt === undefined;
  const { type = "", note = "" } = job.fatal ?? {};
  const why = note === "" ? type : `${type}: ${note}`;
  add("ends", ends && job.fatal !== undefined && !job.clean, `${why}; terminating its tasks`);
  const early = job.clean && claim !== undefined && cluster.jobid !== INSTANCE;
  // A job whose shell waits ends when `down` is written, and this daemon sees the confirmed `down`
  // only later.
  const waited = job.tasksDoneAt !== undefined;
  const left = early && !waited && !cluster.down && !isDebug(cluster);
  add(
    "early",
    left,
    "late epilog: job is inactive; teardown continues on nodes that Flux has already released",
  );
  add(
    "gave-up",
    early && waited && keptBy(cluster) === "late",
    "late epilog: Flux released the nodes before the teardown had ended",
  );
  const kept = job.clean && keptBy(cluster) === "shell";
  add("freed", kept || job.epilog === "finished", "nodes released");
  return reached;
}
