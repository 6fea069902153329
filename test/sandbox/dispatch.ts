/** Commands with subcommands, such as `flux job`. */
import type { Command } from "./call.js";
import { Refusal } from "./refusal.js";

/** Returns a command that runs the subcommand which its first argument names. */
export function dispatch(name: string, subcommands: Record<string, Command>): Command {
  return (call) => {
    const [verb = "", ...argv] = call.argv;
    const command = subcommands[verb];
    if (!command) throw new Refusal(`flux-${name}: ${verb}: not played by the embedded Flux`);
    return command({ ...call, argv });
  };
}
