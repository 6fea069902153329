/**
 * The container engines, one description each: all that names containers,
 * networks, volumes or compose follows from it.
 *
 * Compose gets the project with -p because older podman-compose ignores
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

/** What the template's Makefile takes as COMPOSE; a project has no character that a shell reads. */
export function composeCommand(name: EngineName, project: string): string {
  return [...engine(name).compose, "-p", project].join(" ");
}

export function isEngine(name: string): name is EngineName {
  return (ENGINES as readonly string[]).includes(name);
}
