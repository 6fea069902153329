/**
 * The messages of bridge.py, and checks of their fields. An invalid field throws an error, and the
 * bridge then skips the message's line.
 */

export type Message = Record<string, unknown>;

export interface ReportedJob {
  id: bigint;
  userid: number;
  /** The usernetes* keys of attributes.user. */
  user: Record<string, unknown>;
  /** Seconds, 0: no limit. */
  duration: number;
}

export interface Ready {
  size: number;
  owner: number;
  /** When this run of the instance started, seconds since the epoch. */
  starttime: number;
}

/** A request of the instance's owner to the Flux service usernetes. */
export interface ServiceCall {
  method: string;
  userid: number;
  payload: unknown;
}

/** Checks the fields of a `job` message. Throws a TypeError if one is invalid. */
export function reportedJob(message: Message): ReportedJob {
  const { user, duration } = message;
  if (user === null || typeof user !== "object") throw new TypeError("user");
  return {
    id: jobidOf(message),
    userid: wholeNumber(message["userid"]),
    user: user as Record<string, unknown>,
    // An invalid limit counts as no limit.
    duration: typeof duration === "number" && duration > 0 ? duration : 0,
  };
}

export function jobidOf({ id }: Message): bigint {
  if (typeof id !== "string" || !/^[0-9]{1,20}$/.test(id)) throw new TypeError("id");
  return BigInt(id);
}

export function wholeNumber(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new TypeError("not a whole number");
  return value as number;
}

export function seconds(value: unknown): number {
  if (typeof value !== "number") throw new TypeError("no time");
  return value;
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("no text");
  return value;
}
