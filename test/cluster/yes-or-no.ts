/**
 * Texts that mean yes, no or neither in a job's attributes. Four languages parse them
 * (lib/cluster/request.ts; in Python the CLI plugin, the bridge and `usernetes` by hand; the
 * shell plugin in Lua; the prolog in sh), and the tests of each use these texts.
 */
export const YES = ["yes", "true", "on", "1", "YES", "True", "oN"];
export const NO = ["no", "false", "off", "0", "", "NO", "False", "oFf"];
export const NEITHER = ["y", "maybe", "none", "2", "00", " yes", "no "];
