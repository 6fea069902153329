/** A clock, passed as an argument. Times are seconds since the epoch, as in RFC 18 eventlogs. */
export interface Clock {
  now(): number;
  /** Calls back once after `ms`. The returned function cancels that. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now() / 1000,
  // These timers do not keep the process running when the daemon has ended.
  after: (ms, callback) => timer(ms, callback, (started) => started.unref()),
};

/** A clock whose timers keep the process running, for parts that the daemon cannot run without. */
export const keepingClock: Clock = { ...systemClock, after: timer };

function timer(
  ms: number,
  callback: () => void,
  onStart: (timer: NodeJS.Timeout) => void = () => undefined,
): () => void {
  // setTimeout changes a delay of more than 2^31-1 ms to 1 ms. Calling back early, after 2^31-1 ms,
  // is harmless.
  const started = setTimeout(callback, Math.min(Math.max(ms, 0), 2 ** 31 - 1));
  onStart(started);
  return () => {
    clearTimeout(started);
  };
}
