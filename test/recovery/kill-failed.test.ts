/** kill -9 at the points of a life whose bring-up fails: it fails with its reason, once. */
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
