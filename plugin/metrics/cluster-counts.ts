/** Counts the clusters that the daemon knows. */
import type { State } from "../../lib/view/summary.js";
import type { ClusterCounts } from "./metrics.js";
import type { OpenClusters } from "../open-clusters.js";

/**
 * Counts clusters by state, and nodes with leftovers. `states`: the states of clusters that are not
 * down, and of jobs that wait for their nodes.
 */
export function clusterCounts(states: () => State[], open: OpenClusters): ClusterCounts {
  return {
    clusters: () => {
      const counts = new Map<State, number>();
      const ended = open.ofJobs().flatMap((entry): State[] => {
        if (entry.kept) return ["kept"];
        return entry.left?.length ? ["left"] : [];
      });
      for (const state of [...states(), ...ended]) counts.set(state, (counts.get(state) ?? 0) + 1);
      return counts;
    },
    leftNodes: () => {
      const left = open.ofJobs().filter(({ kept }) => !kept);
      return left.reduce((sum, entry) => sum + (entry.left?.length ?? 0), 0);
    },
  };
}
