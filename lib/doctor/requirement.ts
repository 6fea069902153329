/** What one requirement of a node is, in the table of requirements.ts. */

/** What is wrong with what a node reports; undefined if nothing is. */
export type Judge = (text: string) => string | undefined;

export interface Requirement {
  /** What the node's script calls it. */
  id: string;
  what: string;
  /** How it is looked at. */
  how: string;
  /** Without it no cluster comes up there; otherwise it is a warning. */
  fatal: boolean;
  fix: string;
  /** What is wrong with a node's answer, although the node itself reports success. */
  judge?: Judge;
  /** The same, where what other nodes report decides. */
  judgeAll?: (reported: ReadonlyMap<number, string>) => Judge;
  /** What the node's script calls it, where that is not `id`. */
  asked?: string;
  /** What a node that answers reports of it is Flux's name of the host. */
  ofHost?: true;
}
