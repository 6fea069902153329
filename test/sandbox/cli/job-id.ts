/** `flux job id`: converts job IDs between formats. It needs no instance. */
import { dothex, f58, kvsDirectory, parseJobid } from "../../../lib/flux/jobid.js";
import { Refusal } from "../refusal.js";
import { parseOptions } from "../options.js";

const FORMS: Record<string, (id: bigint) => string> = {
  dec: String,
  hex: (id) => `0x${id.toString(16)}`,
  dothex,
  kvs: kvsDirectory,
};

/** Whether the locale has UTF-8. In other locales, Flux prints `f` instead of `ƒ`. */
export function isUtf8(env: Record<string, string | undefined>): boolean {
  return /utf-?8/i.test(env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "");
}

export interface IdCall {
  argv: string[];
  env: Record<string, string | undefined>;
  out: (text: string) => void;
  stdin: () => Promise<string>;
}

export async function convertIds({ argv, env, out, stdin }: IdCall): Promise<number> {
  const options = parseOptions(argv, { command: "flux-job", specs: ["to|t="] });
  const to = options.get("to") ?? "dec";
  const printF58 = (id: bigint) => (isUtf8(env) ? f58(id) : f58(id).replace("ƒ", "f"));
  const form = to === "f58" ? printF58 : FORMS[to];
  if (!form) throw new Refusal(`flux-job: Unknown to=${to}`);
  const words =
    options.rest.length > 0
      ? options.rest
      : (await stdin()).split(/\s+/).filter((word) => word !== "");
  for (const word of words) {
    const parsed = parseJobid(word);
    if (parsed === undefined) throw new Refusal(`flux-job: ${word}: malformed input`);
    out(`${form(parsed)}\n`);
  }
  return 0;
}
