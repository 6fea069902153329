/** Runs the command line. Scripts identify the daemon by the name of this file (rc3.d). */
import { run } from "../host/runner.js";
import { loadProgram, refuseReplaced } from "./commands.js";
import { runProgram } from "./program.js";

const [, , name] = process.argv;
await runProgram(await loadProgram(run, name), process.argv, () => {
  refuseReplaced(name);
});
