/** The type of an entry in the table of requirements.ts. */

/** Returns the fault in a node's report; undefined if the report is good. */
export type Judge = (text: string) => string | undefined;

export interface Requirement {
  /** The name of the check in the node's script, unless `asked` is set. */
  id: string;
  what: string;
  /** How the node checks the requirement. */
  how: string;
  /**
   * Whether clusters fail on a node that does not meet the requirement. Otherwise the doctor prints
   * a warning.
   */
  fatal: boolean;
  fix: string;
  /** Judges a report that is a success for the node itself. */
  judge?: Judge;
  /** Judges a report by comparison with the reports of all nodes. */
  judgeAll?: (reported: ReadonlyMap<number, string>) => Judge;
  /** The name of the check in the node's script, if it differs from `id`. */
  asked?: string;
  /** The value to judge is the host name in Flux of each node that answers. */
  ofHost?: true;
}

/** What is checked separately: the engine of a user, or a template of usernetes.templates. */
export interface Concern {
  user?: string;
  template?: string;
}

/** Makes a requirement that of a user or of a named template. */
export function concerning(requirement: Requirement, { user, template }: Concern): Requirement {
  const { id, what, fix } = requirement;
  const names = [user, template].filter((name) => name !== undefined);
  if (names.length === 0) return requirement;
  return {
    ...requirement,
    id: `${id}${user === undefined ? "" : `@${user}`}${template === undefined ? "" : `:${template}`}`,
    what: `${names.join(", ")}: ${what}`,
    fix: user === undefined ? fix : fix.replace("the instance owner", user),
    asked: requirement.asked ?? id,
  };
}
