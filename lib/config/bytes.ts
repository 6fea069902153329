/** How long texts are where the kernel counts. Pure. */

export const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

/** Bytes of a path: several are part of one argument. */
export const PATH_MAX = 1024;
