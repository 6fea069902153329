/**
 * Prints the diagnosis for people: a table of the requirements, and then each fault with its fix.
 */
import Table from "cli-table3";
import { encodeHostlist } from "../flux/hostlist.js";
import { encodeIdset } from "../flux/idset.js";
import type { Diagnosis } from "./diagnose.js";

/** Host names, by rank. */
export type Hosts = readonly string[];

/** Column widths for a terminal of 80 columns. */
const WIDTHS = [6, 26, 24, 24];
const NO_BORDERS = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left"],
    ...["bottom-right", "left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
  ].map((name) => [name, ""]),
);

export function report(diagnoses: Diagnosis[], hosts: Hosts): string {
  const checked = diagnoses.filter(({ pass, fail }) => pass.length + fail.length > 0);
  return [tableOf(checked, hosts), ...checked.map((diagnosis) => fault(diagnosis, hosts))]
    .filter(Boolean)
    .join("\n\n")
    .concat("\n");
}

/** Returns the hosts of the ranks, or the ranks themselves if brokers share a host. */
function names(ranks: number[], hosts: Hosts): string {
  if (ranks.length === 0) return "";
  if (new Set(hosts).size < hosts.length) return `rank ${encodeIdset(ranks)}`;
  return encodeHostlist(ranks.map((rank) => hosts[rank] ?? `rank ${rank}`));
}

function state({ requirement, fail }: Diagnosis): string {
  if (fail.length === 0) return "ok";
  return requirement.fatal ? "FAIL" : "warn";
}

function tableOf(diagnoses: Diagnosis[], hosts: Hosts): string {
  const table = new Table({
    head: ["", "requirement", "met on", "not met on"],
    colWidths: WIDTHS,
    wordWrap: true,
    wrapOnWordBoundary: false,
    chars: NO_BORDERS,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
  });
  for (const diagnosis of diagnoses) {
    const failing = diagnosis.fail.flatMap(({ ranks }) => ranks);
    table.push([
      state(diagnosis),
      diagnosis.requirement.what,
      names(diagnosis.pass, hosts),
      names(failing, hosts),
    ]);
  }
  return table.toString().replace(/ +$/gm, "");
}

/** Returns an empty text if all nodes meet the requirement. */
function fault(diagnosis: Diagnosis, hosts: Hosts): string {
  const { requirement, fail } = diagnosis;
  if (fail.length === 0) return "";
  return [
    `${state(diagnosis)}: ${requirement.what}`,
    ...fail.map(({ ranks, found }) => `  ${names(ranks, hosts)}: ${found}`),
    `  fix: ${requirement.fix}`,
  ].join("\n");
}
