/**
 * A job is canceled at the points of its life. It reports only the cancel, each of its holds is
 * released once, and no leftovers remain.
 */
import { life } from "../life/life.js";
import { everyPoint } from "./every-point.js";
import { CANCELED, RETRIES } from "./scenarios.js";

life(
  async (t, flux) => {
    const stride = flux.kind === "real" ? 16 : 8;
    await everyPoint(t, flux, CANCELED, { strike: "cancel", stride });
    await everyPoint(t, flux, CANCELED, { strike: "cancel twice", stride: 2 * stride });
    await everyPoint(t, flux, RETRIES, { strike: "cancel", stride: 2 * stride });
  },
  "",
  { pace: 0 },
);
