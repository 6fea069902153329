/**
 * `flux sandbox lose|restore|stall|resume RANK` simulates failures of hosts, for tests and
 * demonstrations that run inside the instance. Flux itself has no such command.
 */
import type { Call } from "../call.js";
import { dispatch } from "../dispatch.js";

const rankOf = (call: Call): number => Number(call.argv[0]);

export const sandbox = dispatch("sandbox", {
  lose: (call) => {
    call.instance.loseRank(rankOf(call));
    return 0;
  },
  restore: (call) => {
    call.instance.restoreRank(rankOf(call));
    return 0;
  },
  stall: (call) => {
    call.instance.stalled.add(rankOf(call));
    return 0;
  },
  resume: (call) => {
    call.instance.resumeRank(rankOf(call));
    return 0;
  },
  root: (call) => {
    call.out(`${call.instance.root}\n`);
    return 0;
  },
});
