/**
 * The protocol between the daemon and the agents on the nodes (agent/). Requests go to the stdin
 * of `flux exec`, which sends them to all ranks. Reports come back on its stderr, each line
 * labelled with its rank. Each line is one JSON object. docs/node-protocol.md explains all of them.
 * A test compares the protocol with the agent and that page.
 */

/** One step of a request, which lib/node/scripts.ts creates. */
export interface StepRequest {
  step: string;
  /** Seconds that the step may take. */
  seconds: number;
  /** The script that sh runs. */
  script?: string;
  /** Whether the script is a Python program. */
  python?: boolean;
  /** Further arguments of the script, which no shell parses. */
  args?: readonly string[];
  /** The archive whose join-command is put into the work directory, in place of a script. */
  archive?: string;
  /** The file in the work directory whose content is the result. */
  gives?: string;
}

export type Request =
  | {
      do: "steps";
      /**
       * Idset (RFC 22) of the ranks that carry out the request. A request without this field is for
       * all ranks.
       */
      ranks: string;
      env: Record<string, string>;
      /** Variables of the site, with the placeholders that the agent replaces. */
      site: Record<string, string>;
      /** Prefix of the names of the private directories in which join-commands are extracted. */
      private: string;
      /** Whether the request is a teardown, which keeps nothing. */
      teardown: boolean;
      steps: StepRequest[];
    }
  | {
      do: "logs";
      env: Record<string, string>;
      jobid: string;
      /** Maximum bytes of a step that are sent at a time; earlier output is omitted. */
      bytes: number;
      follow: boolean;
      steps: string[];
    }
  | {
      do: "find";
      env: Record<string, string>;
      /** The base directory of work directories. */
      base: string;
      /** UUID of the instance. */
      instance: string;
      /** Whether to search for work directories of other users, each as that user. */
      others: boolean;
    }
  | {
      do: "checks";
      env: Record<string, string>;
      /** Variables of the site, as for `steps`. */
      site: Record<string, string>;
      seconds: number;
      script: string;
    }
  /** Ends the requests: the agent exits when it has carried out the earlier ones. */
  | { do: "end" };

/** The fields of each report, by its kind. A `?` marks an optional field. */
const REPORTS = {
  here: {},
  refused: { text: "string" },
  gone: { text: "string" },
  progress: { step: "string", text: "string" },
  result: { step: "string", text: "string" },
  end: { step: "string", status: "string", "exit?": "number", "shared?": "boolean", tail: "lines" },
  log: { step: "string", text: "string" },
  cut: { step: "string" },
  logs: { found: "boolean" },
  found: { userid: "number", jobid: "string", engine: "string", site: "texts" },
  unseen: { userid: "number" },
  searched: { host: "string" },
  check: { id: "string", ok: "boolean", text: "string" },
  checked: {},
} as const satisfies Record<
  string,
  Record<string, "string" | "number" | "boolean" | "lines" | "texts">
>;

export type ReportKind = keyof typeof REPORTS;
export const REPORT_FIELDS: Record<ReportKind, Record<string, string>> = REPORTS;

export type Status = "ok" | "failed" | "timeout";

export type Report = { rank: number } & (
  | { report: "here" | "checked" }
  /**
   * `refused`: the agent cannot run anything as the cluster's user. `gone`: the runner ended
   * without a report.
   */
  | { report: "refused" | "gone"; text: string }
  | { report: "progress" | "result"; step: string; text: string }
  | { report: "log"; step: string; text: string }
  | {
      report: "end";
      step: string;
      status: Status;
      exit?: number;
      /** The node shares the work directory with the lead. */
      shared?: boolean;
      /** The last lines that the step printed. */
      tail: string[];
    }
  | { report: "cut"; step: string }
  | { report: "logs"; found: boolean }
  | {
      report: "found";
      userid: number;
      jobid: string;
      engine: string;
      /** The site's variables that the cluster was made with. */
      site: Record<string, string>;
    }
  | { report: "unseen"; userid: number }
  | { report: "searched"; host: string }
  | { report: "check"; id: string; ok: boolean; text: string }
);

/**
 * Parses a line of `flux exec -l`: `RANK: {"nonce": ...}`. Returns undefined if the line is not a
 * report of this call. flux exec adds the label, so a rank cannot report for another rank, and only
 * the agent knows the nonce.
 */
export function parseReport(line: string, nonce: string): Report | undefined {
  const [, label, text = ""] = /^([0-9]+): (\{"nonce".*\})$/s.exec(line) ?? [];
  if (label === undefined) return undefined;
  const value = parseObject(text);
  if (value?.["nonce"] !== nonce || !isReport(value)) return undefined;
  Reflect.deleteProperty(value, "nonce");
  return { ...value, rank: Number(label) } as unknown as Report;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function isReport(value: Record<string, unknown>): boolean {
  const kind = value["report"];
  if (typeof kind !== "string" || !Object.hasOwn(REPORT_FIELDS, kind)) return false;
  return Object.entries(REPORT_FIELDS[kind as ReportKind]).every(([name, type]) => {
    const field = value[name.replace("?", "")];
    if (field === undefined) return name.endsWith("?");
    if (type === "texts") return isTexts(field);
    if (type === "lines") return Array.isArray(field) && field.every((l) => typeof l === "string");
    return typeof field === type;
  });
}

const isTexts = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((text) => typeof text === "string");
