/**
 * flux-start(1): this process becomes the instance and runs a command as its initial program on
 * rank 0. When that command has exited, the remaining jobs are canceled. The process then exits
 * with the command's status.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { Refusal } from "./refusal.js";
import { cleanUp } from "./cleanup.js";
import { parseOptions } from "./options.js";
import { runScripts } from "./rc.js";
import { startInstance, type Sandbox, type StartOptions } from "./start-instance.js";

const SPECS = [
  ..."test-size|s= config-path|c= broker-opts|o= setattr|S= verbose|v? wrap= test-exit-mode=".split(
    " ",
  ),
  ..."test-exit-timeout= test-rundir= test-hosts= recovery|r? sysconfig noexec|X".split(" "),
];

function startOptions(argv: string[]): { options: StartOptions; command: string[] } {
  const options = parseOptions(argv, { command: "flux-start", specs: SPECS, stopAtOperand: true });
  const directory = options.get("config-path");
  const root = process.env["SANDBOX_ROOT"];
  const pace = process.env["SANDBOX_PACE"];
  return {
    options: {
      size: Number(options.get("test-size") ?? 1),
      ...(directory === undefined ? { config: "" } : { configDir: directory }),
      ...(root ? { root } : {}),
      ...(pace ? { pace: Number(pace) } : {}),
      shellPlugin: process.env["SANDBOX_SHELL_PLUGIN"] !== "no",
    },
    command: options.rest.length > 0 ? options.rest : [process.env["SHELL"] ?? "/bin/sh"],
  };
}

/** Runs the initial program and resolves to its exit status. */
function runInitialProgram({ env, instance }: Sandbox, command: string[]): Promise<number> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { env, stdio: "inherit" });
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const)
    process.on(signal, () => child.kill(signal));
  instance.onShutdown = () => child.kill("SIGTERM");
  return new Promise((resolve) => {
    child.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "ENOENT" ? "No such file or directory" : error.message;
      process.stderr.write(`flux-broker: ${program}: ${reason}\n`);
      resolve(127);
    });
    child.on("exit", (status, signal) => {
      resolve(signal ? 128 + constants.signals[signal] : (status ?? 1));
    });
  });
}

export async function start(argv: string[]): Promise<number> {
  try {
    const { options, command } = startOptions(argv);
    const sandbox = await startInstance(options);
    const { instance, env } = sandbox;
    const up = await runScripts(instance, env, "rc1.d");
    const status = up ? await runInitialProgram(sandbox, command) : 1;
    await cleanUp(instance);
    await runScripts(instance, env, "rc3.d");
    await sandbox.stop();
    return status;
  } catch (error) {
    process.stderr.write(
      `${error instanceof Refusal ? error.message : `flux-start: ${String(error)}`}\n`,
    );
    return 1;
  }
}
