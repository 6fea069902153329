/** What a line of the daemon's log is: its level, and its fields for programs. */

/** `trace` goes to the daemon's own log only, the others to `flux dmesg` too. */
export type Level = "error" | "warn" | "info" | "debug" | "trace";

/** What a program that reads the daemon's log wants of a line. */
export type LogFields = Record<string, string | number | number[]>;
