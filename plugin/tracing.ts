/**
 * Makes a World that traces each effect when it starts and when it ends. A trace shows what the
 * daemon did and was doing, and test/recovery finds every gap between two effects.
 */
import { messageOf } from "../lib/errors.js";
import type { World } from "./world.js";
import type { LogFields } from "../lib/log.js";

export function traceEffects(
  world: World,
  trace: (text: string, fields: LogFields) => void,
): World {
  const traced = async <T>(effect: string, act: () => Promise<T>): Promise<T> => {
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
      post: (id, name, context) => traced(`post ${name}`, () => world.flux.post(id, name, context)),
      memo: (id, memo) => traced("memo", () => world.flux.memo(id, memo)),
      raise: (id, note) => traced("raise", () => world.flux.raise(id, note)),
      expire: (id) => traced("expire", () => world.flux.expire(id)),
      update: (id, updates) => traced("update", () => world.flux.update(id, updates)),
      commit: (operations) => traced("commit", () => world.flux.commit(operations)),
      lookup: (key) => traced("lookup", () => world.flux.lookup(key)),
      drain: (ranks, reason) => traced("drain", () => world.flux.drain(ranks, reason)),
      drained: () => traced("drained", () => world.flux.drained()),
      undrain: (ranks, reason) => traced("undrain", () => world.flux.undrain(ranks, reason)),
    },
    // The trace has only the start of a command, because the rest may be a whole script.
    run: (command, options) =>
      traced(command.argv.slice(0, 4).join(" "), () => world.run(command, options)),
  };
}
