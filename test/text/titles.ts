/**
 * The titles of the tests: each is a whole sentence that can be understood alone. A program can
 * find two faults: a title that starts like the rest of a sentence, and a title whose only verbs
 * are in its clauses ("a job that fails").
 */
import { readFileSync } from "node:fs";
import { packagePath } from "../../lib/host/package.js";
import { inTypeScript } from "./messages.js";
import { filesBelow, type Place } from "./style.js";

const IN_TYPESCRIPT = /\b(?:test|users)\(\s*(?:"([^"]+)"|`([^`]+)`)\s*,/g;
const IN_PYTHON = /\bdef test_(\w+)\(/g;

/** The titles of a file's tests. The names of tests in Python have spaces for underscores. */
export function titlesOf(file: string, text: string): Place[] {
  const pattern = file.endsWith(".py") ? IN_PYTHON : IN_TYPESCRIPT;
  return [...text.matchAll(pattern)].map((found) => ({
    file,
    line: text.slice(0, found.index).split("\n").length,
    text: file.endsWith(".py")
      ? (found[1] ?? "").replaceAll("_", " ")
      : (found[1] ?? found[2] ?? ""),
  }));
}

export const titles = (): Place[] =>
  filesBelow("test")
    .filter((file) => /\.(ts|py)$/.test(file))
    .flatMap((file) => titlesOf(file, readFileSync(packagePath(file), "utf8")));

/** The titles, messages of assertions and data in tests, except for the tests of this folder. */
export const strings = (): Place[] =>
  filesBelow("test")
    .filter((file) => file.endsWith(".ts") && !file.startsWith("test/text/"))
    .flatMap((file) => inTypeScript(file, readFileSync(packagePath(file), "utf8")));

/** Words that start the rest of a sentence. */
const REST =
  /^(and|or|but|nor|so|also|not|of|in|on|at|by|for|from|to|with|without|as|if|when|while|where|until|after|before|because|since|that|which|who|whose|what|how|why|it|its|they|their|there|this|that|is|are|was|has|have|does|can|may|must|cannot)\s/;

/** Words that start a clause. The clause has another verb than the sentence. */
const CLAUSE =
  /(?<!\b(?:as|of|for|without|becomes|fails) )\b(that|which|who|whose|if|when|while|until|because|although|though|where|whatever|unless)\b/g;

/** Verbs, and words that may be verbs because of their ending. */
const VERB =
  /(?<=\s)(is|are|was|were|has|have|had|can|may|must|cannot|could|do|does|did|[a-z-]+[^s\W]s|[a-z]+ed|ran|saw|begin|come|count|describe|name|become|run|end|work|share|apply|differ|find|know|read|reach|appear|show|see|keep|start|write|wait|take|use|make|get|give|need|belong|pass|happen|harm|ask|fail|put|stay|print|cut|exit)\b/g;

/** Why a title is not a sentence; undefined if it may be one. */
export function whyNoSentence(title: string): string | undefined {
  const rest = REST.exec(title)?.[1];
  if (rest !== undefined) return `it starts with "${rest}": start with the subject`;
  const clauses = title.match(CLAUSE)?.length ?? 0;
  const verbs = title.match(VERB)?.length ?? 0;
  return verbs > clauses ? undefined : "it has no verb: write what the subject does";
}
