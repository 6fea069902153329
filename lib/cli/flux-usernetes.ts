/** Runs the command line. Scripts know the daemon by this file's name (rc3.d). */
import { program } from "./commands.js";
import { runProgram } from "./program.js";

await runProgram(program, process.argv);
