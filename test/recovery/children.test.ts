/** The daemon's children are killed at the points of a job's life, which continues unchanged. */
import { life } from "../life/life.js";
import { everyPoint } from "./every-point.js";
import { RUNS } from "./scenarios.js";

/** A word in the command of each child. The command of `flux exec` names the agent. */
const BRIDGE = "bridge.py";
const FOLLOW = "--follow";
const EXEC = "usernetes-agent";

life(
  async (t, flux) => {
    const stride = flux.kind === "real" ? 24 : 12;
    await everyPoint(t, flux, RUNS, {
      strike: { kill: EXEC },
      stride: (2 * stride) / 3,
      least: 0.1,
    });
    await everyPoint(t, flux, RUNS, { strike: { kill: BRIDGE }, stride });
    await everyPoint(t, flux, RUNS, { strike: { kill: FOLLOW }, stride, least: 0.4 });
  },
  "",
  { pace: 0 },
);
