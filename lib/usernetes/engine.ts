/**
 * The container engines and their compose commands.
 *
 * The project is passed to compose with -p, because older versions of podman-compose ignore
 * COMPOSE_PROJECT_NAME.
 */
export const ENGINES = ["docker", "podman", "nerdctl"] as const;
export type EngineName = (typeof ENGINES)[number];

export interface Engine {
  name: EngineName;
  /** The compose command, without the project. */
  compose: string[];
}

const DESCRIPTIONS: Record<EngineName, Engine> = {
  docker: { name: "docker", compose: ["docker", "compose"] },
  podman: { name: "podman", compose: ["podman-compose"] },
  nerdctl: { name: "nerdctl", compose: ["nerdctl", "compose"] },
};

export function engine(name: EngineName): Engine {
  return DESCRIPTIONS[name];
}

/**
 * The variable COMPOSE of the template's Makefile. The project's name has no character that is
 * special in a shell.
 */
export function composeCommand(name: EngineName, project: string): string {
  return [...engine(name).compose, "-p", project].join(" ");
}

export function isEngine(name: string): name is EngineName {
  return (ENGINES as readonly string[]).includes(name);
}
