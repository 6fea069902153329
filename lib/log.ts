/** The level and the fields of a line in the daemon's log. */

/** Lines of level `trace` go to the daemon's own log only, all others also to `flux dmesg`. */
export type Level = "error" | "warn" | "info" | "debug" | "trace";

/** Values of a log line for programs that read the daemon's log. */
export type LogFields = Record<string, string | number | number[]>;
