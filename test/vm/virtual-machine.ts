/** A machine that qemu runs. It boots from the image without changing it. */
import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { accelerator } from "./accelerator.js";
import { Machine, must } from "./machine.js";

export class VirtualMachine extends Machine {
  readonly unmet = [];
  protected readonly via = [];
  protected readonly endedBy = "SIGKILL";

  protected async makeDisk(): Promise<void> {
    const backing = ["-b", this.options.image.disk, "-F", "raw"];
    await must("qemu-img", ["create", "-q", "-f", "qcow2", ...backing, this.disk]);
  }

  protected command(port: number): string[] {
    const { image, index, memoryMb } = this.options;
    const wire = this.wire(index);
    rmSync(wire, { force: true });
    return [
      "qemu-system-x86_64",
      ...accelerator(),
      ...["-m", String(memoryMb), "-display", "none", "-nodefaults", "-no-reboot"],
      ...["-kernel", image.kernel, "-initrd", image.initrd],
      ...["-append", kernelOptions(this.name)],
      ...["-drive", `file=${this.disk},if=virtio,format=qcow2,cache=unsafe`],
      ...["-netdev", `user,id=outside,hostfwd=tcp:127.0.0.1:${String(port)}-:22`],
      ...["-device", "virtio-net-pci,netdev=outside,mac=52:54:00:77:00:01"],
      "-netdev",
      `dgram,id=inside,local.type=unix,local.path=${wire},remote.type=unix,remote.path=${this.wire(1 - index)}`,
      ...["-device", `virtio-net-pci,netdev=inside,mac=52:54:00:77:00:1${String(index)}`],
      ...["-device", "virtio-rng-pci", "-serial", "stdio"],
    ];
  }

  protected freePort = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer().on("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => {
          resolve(typeof address === "object" && address ? address.port : 0);
        });
      });
    });

  protected get disk(): string {
    return join(this.options.folder, "disk.qcow2");
  }

  /** The path of a machine's socket for the network between the machines. */
  private wire(index: number): string {
    return join(this.options.folder, "..", `wire${index}`);
  }
}

/**
 * The kernel counts the ticks of its timer at the start. On a busy host an emulated timer may
 * deliver too few ticks, and the kernel would panic without no_timer_check. With panic=-1 and
 * -no-reboot, a panic ends qemu.
 */
const kernelOptions = (name: string): string =>
  `root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 systemd.hostname=${name} mitigations=off no_timer_check panic=-1`;
