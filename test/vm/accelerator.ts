/**
 * Chooses how qemu runs a machine here: with KVM if a machine starts with it, and otherwise by
 * software emulation (tcg). The device /dev/kvm alone does not prove that KVM works: inside another
 * virtual machine, the device may exist although qemu exits at once.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";

/** KVM works if qemu still runs after this time. A qemu that cannot start exits within 0.1 s. */
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
