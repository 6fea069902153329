/** Looks again and again until it is so; rejects, with what was waited for, when the time is up. */
export async function until(
  what: string,
  is: () => boolean | Promise<boolean>,
  { pauseMs = 20, limitMs = 60_000 } = {},
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await is())) {
    if (Date.now() > deadline) throw new Error(`${what}: not in ${limitMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** What the promise gives; rejects, with what was waited for, when the time is up. */
export async function inTime<T>(
  promise: Promise<T>,
  what: () => string,
  limitMs = 60_000,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${what()}: not in ${limitMs / 1000} s`));
    }, limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
