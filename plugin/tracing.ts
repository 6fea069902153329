/**
 * A world whose every effect is traced when it starts and when it ends: so people
 * read in a trace what the daemon did and what it was at, and test/recovery
 * knows every gap between two effects.
 */
import { messageOf } from "../lib/errors.js";
import type { World } from "./world.js";
import type { Facts } from "../lib/log.js";

export function traced(world: World, trace: (text: string, facts: Facts) => void): World {
  const told = async <T>(effect: string, act: () => Promise<T>): Promise<T> => {
    trace(`${effect}: begins`, { effect, status: "begins" });
    try {
      const value = await act();
      trace(`${effect}: done`, { effect, status: "done" });
      return value;
    } catch (error) {
      trace(`${effect}: ${messageOf(error)}`, { effect, status: "failed" });
      throw error;
    }
  };
  return {
    ...world,
    flux: {
      post: (id, name, context) => told(`post ${name}`, () => world.flux.post(id, name, context)),
      memo: (id, memo) => told("memo", () => world.flux.memo(id, memo)),
      raise: (id, note) => told("raise", () => world.flux.raise(id, note)),
      expire: (id) => told("expire", () => world.flux.expire(id)),
      update: (id, updates) => told("update", () => world.flux.update(id, updates)),
      commit: (operations) => told("commit", () => world.flux.commit(operations)),
      lookup: (key) => told("lookup", () => world.flux.lookup(key)),
      drain: (ranks, reason) => told("drain", () => world.flux.drain(ranks, reason)),
      drained: () => told("drained", () => world.flux.drained()),
      undrain: (ranks, reason) => told("undrain", () => world.flux.undrain(ranks, reason)),
    },
    // The beginning of the command is enough; the rest may be a whole script.
    run: (command, options) =>
      told(command.argv.slice(0, 4).join(" "), () => world.run(command, options)),
  };
}
