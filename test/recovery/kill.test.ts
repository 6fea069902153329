/** The daemon is killed at the points of a job's life. The next daemon completes it as usual. */
import { life } from "../life/life.js";
import { everyPoint } from "./every-point.js";
import { RUNS } from "./scenarios.js";

life(
  async (t, flux) => {
    const stride = flux.kind === "real" ? 8 : 4;
    await everyPoint(t, flux, RUNS, { strike: "die", stride, again: true });
  },
  "",
  { pace: 0 },
);
