/**
 * Makes the random values of all tests from one seed, which is `--seed N` of `npm test`. A failure
 * prints the seed. `npm run test:long` runs many more cases.
 */
import fc from "fast-check";

const seed = Number(process.env["USERNETES_SEED"] ?? Math.floor(Math.random() * 1e6));

/** The factor by which a test multiplies its number of cases. */
export const MORE = process.env["USERNETES_WALK"] === "all" ? 20 : 1;

fc.configureGlobal({ seed });
export { fc };

/** The state of the generator mulberry32. */
let state = seed >>> 0;
/** Returns a number that is at least 0 and less than 1. */
export function random(): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
