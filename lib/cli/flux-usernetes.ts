/** Runs the command line. Scripts know the daemon by this file's name (rc3.d). */
import { loadProgram, refuseReplaced } from "./commands.js";
import { runProgram } from "./program.js";

const [, , word] = process.argv;
await runProgram(await loadProgram(word), process.argv, () => {
  refuseReplaced(word);
});
