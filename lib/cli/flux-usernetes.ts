/** Runs the command line. Scripts know the daemon by this file's name (rc3.d). */
import { loadProgram } from "./commands.js";
import { runProgram } from "./program.js";

await runProgram(await loadProgram(process.argv[2]), process.argv);
