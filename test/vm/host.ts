/** Runs commands on a machine as an administrator does: as root and as users without a session. */
import type { Result } from "../hosts/run-command.js";
import type { Machine } from "./machine.js";

export class Host {
  constructor(readonly machine: Machine) {}

  get name(): string {
    return this.machine.name;
  }

  /** Runs a script as root, outside any login session. */
  root(script: string, input?: string): Promise<Result> {
    return this.machine.run(`cd / && { ${script}\n}`, input);
  }

  /** Runs a script as a user who has not logged in, without root's environment. */
  as(user: string, script: string): Promise<Result> {
    return this.root(`sudo -H -u ${user} sh -c ${quoted(script)} </dev/null`);
  }

  /** Runs a script as a user, with the variables that a login session has for the engine. */
  session(user: string, script: string): Promise<Result> {
    const variables =
      "XDG_RUNTIME_DIR=/run/user/$(id -u); export XDG_RUNTIME_DIR DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock";
    return this.as(user, `${variables}; ${script}`);
  }
}

export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
