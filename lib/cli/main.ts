/** Runs the command line. */
import { program } from "./flux-usernetes.js";
import { runProgram } from "./program.js";

await runProgram(program, process.argv);
