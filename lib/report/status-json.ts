/** A cluster in full for a program: what `list --json` has of it, and more. */
import { hostNames, type Cluster } from "../cluster/state.js";
import { encodeIdset } from "../flux/idset.js";
import { nameOf } from "./look.js";
import { noCluster, type Told } from "./status.js";
import { logOf, stepLines } from "./steps.js";
import { summarize, summaryJson } from "./summary.js";

export function statusJson(told: Told, now: number) {
  const { cluster, record, user } = told;
  const summary = summarize(told, user);
  const name = nameOf(cluster.jobid);
  if (!summary)
    return {
      ...{ jobid: name, id: String(cluster.jobid), user, userid: cluster.userid },
      ...{ state: null, note: noCluster(cluster) },
    };
  const { claim, settle, teardown, down } = cluster;
  return {
    ...summaryJson(summary, now, name),
    ports: claim?.ports ?? null,
    deadline: claim?.deadline ?? null,
    outcome: settle?.outcome ?? null,
    kubeconfig: settle?.kubeconfig ?? null,
    note: settle?.note ?? null,
    without: settle?.without ?? "",
    teardown: teardown?.reason ?? null,
    left: encodeIdset(down?.left ?? []),
    steps: stepLines(record, now, true).map(({ step, status, ranks, attempt, seconds, note }) => ({
      ...{
        step,
        status,
        ranks: encodeIdset(ranks),
        hosts: ranks.map((rank) => host(cluster, rank)),
      },
      ...{ attempt, seconds: Math.round(seconds * 1000) / 1000, note },
      log: logOf(cluster, step, ranks[0] ?? 0) ?? null,
    })),
  };
}

const host = (cluster: Cluster, rank: number) => hostNames(cluster, [rank]);
