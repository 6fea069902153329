/** kill -9 of the daemon at the points of a life: the next one brings it to the same end. */
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
