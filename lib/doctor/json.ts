/** Prints the diagnosis as JSON. Sets of ranks are idsets (RFC 22). */
import { encodeIdset } from "../flux/idset.js";
import { isFit, type Diagnosis } from "./diagnose.js";
import type { Hosts } from "./table.js";

export function asJson(diagnoses: Diagnosis[], hosts: Hosts): string {
  const value = {
    ok: isFit(diagnoses),
    hosts: Object.fromEntries(hosts.map((host, rank) => [rank, host])),
    requirements: diagnoses.map(({ requirement, pass, fail }) => ({
      id: requirement.id,
      what: requirement.what,
      how: requirement.how,
      fatal: requirement.fatal,
      fix: requirement.fix,
      pass: encodeIdset(pass),
      fail: fail.map(({ ranks, found }) => ({ ranks: encodeIdset(ranks), found })),
    })),
  };
  return `${JSON.stringify(value)}\n`;
}
