/**
 * The daemon is killed at the points of a life whose bring-up fails. The job still fails once, with
 * the reason of the failure.
 */
import { life } from "../life/life.js";
import { everyPoint } from "./every-point.js";
import { FAILS } from "./scenarios.js";

life(
  async (t, flux) => {
    const stride = flux.kind === "real" ? 8 : 4;
    await everyPoint(t, flux, FAILS, { strike: "die", stride, again: true });
  },
  "",
  { pace: 0 },
);
