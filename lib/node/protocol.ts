/**
 * The protocol between the daemon and the agents on the nodes (agent.py): requests go to
 * the stdin of `flux exec`, which sends them to all ranks; reports come back on its stderr,
 * each line labelled with its rank. One JSON object a line. docs/node-protocol.md explains
 * each of them; a test compares the three.
 */

/** What one step of a request does; lib/node/scripts.ts makes it. */
export interface StepRequest {
  step: string;
  /** Seconds that it may take. */
  seconds: number;
  /** What sh runs. */
  script?: string;
  /** The script is a Python program. */
  python?: boolean;
  /** Further arguments of the script: no shell reads them. */
  args?: readonly string[];
  /** In place of a script: the archive whose join-command is put into the work directory. */
  archive?: string;
  /** The file in the work directory whose text is the result. */
  gives?: string;
}

export type Request =
  | {
      do: "steps";
      /** Idset (RFC 22); without it, all ranks. */
      ranks: string;
      env: Record<string, string>;
      /** Variables of the site, with the placeholders that the agent replaces. */
      site: Record<string, string>;
      /** Begins the names of the private directories that join-commands are taken out in. */
      private: string;
      /** Earlier runners of the cluster are ended, and nothing is kept. */
      teardown: boolean;
      steps: StepRequest[];
    }
  | {
      do: "logs";
      env: Record<string, string>;
      jobid: string;
      /** Of each step, and no more than these bytes at a time. */
      bytes: number;
      follow: boolean;
      steps: string[];
    }
  | {
      do: "find";
      env: Record<string, string>;
      /** Where work directories are made. */
      base: string;
      /** UUID of the instance. */
      instance: string;
      /** Also those of other users, each as that user. */
      others: boolean;
    }
  | {
      do: "checks";
      env: Record<string, string>;
      /** As of `steps`. */
      site: Record<string, string>;
      seconds: number;
      script: string;
    }
  /** No more requests: the agent ends when it has carried out those before. */
  | { do: "end" };

/** The fields of each report, by its kind; a `?` marks one that may be missing. */
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
  found: { userid: "number", jobid: "string", engine: "string" },
  unseen: { userid: "number" },
  searched: { host: "string" },
  check: { id: "string", ok: "boolean", text: "string" },
  checked: {},
} as const satisfies Record<string, Record<string, "string" | "number" | "boolean" | "lines">>;

export type ReportKind = keyof typeof REPORTS;
export const REPORT_FIELDS: Record<ReportKind, Record<string, string>> = REPORTS;

export type Status = "ok" | "failed" | "timeout";

export type Report = { rank: number } & (
  | { report: "here" | "checked" }
  /** Nothing runs as the cluster's user here, and why; or the runner ended without a report. */
  | { report: "refused" | "gone"; text: string }
  | { report: "progress" | "result"; step: string; text: string }
  | { report: "log"; step: string; text: string }
  | {
      report: "end";
      step: string;
      status: Status;
      exit?: number;
      /** The work directory is the lead's, too. */
      shared?: boolean;
      /** The last lines that it printed. */
      tail: string[];
    }
  | { report: "cut"; step: string }
  | { report: "logs"; found: boolean }
  | { report: "found"; userid: number; jobid: string; engine: string }
  | { report: "unseen"; userid: number }
  | { report: "searched"; host: string }
  | { report: "check"; id: string; ok: boolean; text: string }
);

/**
 * Reads a line of `flux exec -l`: `RANK: {"nonce": ...}`. Undefined where it is not a report
 * of this call: flux exec labels the line, so that no rank speaks for another, and only the
 * agent knows the nonce.
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
    if (type === "lines") return Array.isArray(field) && field.every((l) => typeof l === "string");
    return typeof field === type;
  });
}
