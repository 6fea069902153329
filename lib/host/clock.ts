/** Time as an argument: seconds since the epoch, as in RFC 18 eventlogs. */
export interface Clock {
  now(): number;
  /** Calls back once after `ms`; the returned function takes it back. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now() / 1000,
  after: (ms, callback) => {
    // setTimeout wraps at 2^31 ms: an earlier wake-up is harmless, a lost one is not.
    const timer = setTimeout(callback, Math.min(Math.max(ms, 0), 2 ** 31 - 1));
    // A daemon that has ended does not stay for what it meant to do later.
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
