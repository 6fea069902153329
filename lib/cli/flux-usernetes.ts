/** Runs the command line. Scripts know the daemon by this file's name (rc3.d). */
import { run } from "../host/runner.js";
import { loadProgram, refuseReplaced } from "./commands.js";
import { runProgram } from "./program.js";

const [, , name] = process.argv;
await runProgram(await loadProgram(run, name), process.argv, () => {
  refuseReplaced(name);
});
