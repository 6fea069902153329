/**
 * Checks repeatedly until the condition is met. Rejects at the time limit, with a description of
 * the condition.
 */
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

/** Resolves as the promise does. Rejects at the time limit, with the description. */
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
