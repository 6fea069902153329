/** Time as an argument: seconds since the epoch, as in RFC 18 eventlogs. */
export interface Clock {
  now(): number;
  /** Calls back once after `ms`; the returned function takes it back. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now() / 1000,
  // A daemon that has ended does not stay for what it meant to do later.
  after: (ms, callback) => timer(ms, callback, (started) => started.unref()),
};

/** Its timers keep the process running: for what the daemon cannot run without. */
export const keepingClock: Clock = { ...systemClock, after: timer };

function timer(
  ms: number,
  callback: () => void,
  onStart: (timer: NodeJS.Timeout) => void = () => undefined,
): () => void {
  // setTimeout wraps at 2^31 ms: an earlier wake-up is harmless, a lost one is not.
  const started = setTimeout(callback, Math.min(Math.max(ms, 0), 2 ** 31 - 1));
  onStart(started);
  return () => {
    clearTimeout(started);
  };
}
