/** `--timeout` of the commands that do something on every node: the limit for one node. */
import { CommandError, EXIT } from "../errors.js";
import { parseFsd } from "../flux/fsd.js";

/** In seconds. Throws where the text is not a duration of the allowed length. */
export function nodeLimitOf(text: string): number {
  const limitMs = parseFsd(text) ?? 0;
  // The shortest limit is one second. The longest stays below the maximum of a timer (2^31 ms).
  if (limitMs >= 1000 && limitMs <= 7 * 86_400_000) return limitMs / 1000;
  throw new CommandError(
    EXIT.usage,
    `--timeout: found "${text}", allowed: a duration (RFC 23) from 1s to 7d, like 30m`,
  );
}
