/**
 * How qemu runs a machine here: with KVM where a machine really starts with it, else by
 * software (tcg). /dev/kvm alone decides nothing: inside of another virtual machine it may
 * exist, and qemu ends at once.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";

/** A machine that lives as long as the started qemu. One that cannot start ends within 0.1 s. */
const PROBE_MS = 3000;

export function accelerator(): string[] {
  const cpus = ["-smp", "2"];
  return kvmWorks()
    ? ["-accel", "kvm", "-cpu", "host", ...cpus]
    : ["-accel", "tcg,thread=multi", "-cpu", "Nehalem", ...cpus];
}

function kvmWorks(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch {
    return false;
  }
  const argv = "-accel kvm -cpu host -m 128 -display none -nodefaults -no-user-config".split(" ");
  const { error } = spawnSync("qemu-system-x86_64", argv, { timeout: PROBE_MS, stdio: "ignore" });
  return error !== undefined && "code" in error && error.code === "ETIMEDOUT";
}
