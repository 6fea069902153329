/** A job that is held for debugging is canceled, also while no daemon runs to see the cancel. */
import { life } from "../life/life.js";
import { everyPoint } from "./every-point.js";
import { HELD } from "./scenarios.js";

life(
  async (t, flux) => {
    const stride = flux.kind === "real" ? 24 : 12;
    await everyPoint(t, flux, HELD, { strike: "cancel", stride });
    await everyPoint(t, flux, HELD, { strike: "cancel and die", stride });
  },
  "",
  { pace: 0 },
);
