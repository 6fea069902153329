/**
 * Makes the same cluster with a shell script that uses only Flux, make and the engine. The script
 * runs one `flux exec` after the other and does not check the results. This measures the time that
 * the steps take on this machine in addition to the durations that they simulate.
 */
import { join } from "node:path";
import { TEMPLATE } from "../sandbox/paths.js";
import type { LifeFlux } from "../life/flux.js";

const SCRIPT = `set -eu
template=$1 dir=$2
export CONTAINER_ENGINE=docker COMPOSE="docker compose -p plain" COMPOSE_PROJECT_NAME=plain
export KUBECONFIG=$dir/kubeconfig
ms() { echo $(($(date +%s%N) / 1000000)); }
begin=$(ms)
flux exec -r 0-3 sh -c 'cp -R "$0" "$1" && make -C "$1" up' "$template" "$dir"
flux exec -r 0 make -C "$dir" kubeadm-init join-command kubeconfig
flux archive create --name plain -C "$dir" join-command
flux exec -r 1-3 sh -c 'flux archive extract --name plain -C "$0" && make -C "$0" kubeadm-join' "$dir"
flux archive remove --name plain
flux exec -r 0 make -C "$dir" sync-external-ip install-flannel
flux exec -r 0 docker exec plain-node-1 kubectl wait --for=condition=Ready nodes --all --timeout=60s
up=$(ms)
flux exec -r 0-3 sh -c 'make -C "$0" down-v && docker image rm plain-node:latest && rm -rf "$0"' "$dir"
echo "took $((up - begin)) $(($(ms) - up))"`;

export interface Life {
  bringUp: number;
  teardown: number;
}

/** Runs the script on rank 0, where the lead's files are. Returns the seconds of both parts. */
export async function plainLife(flux: LifeFlux): Promise<Life> {
  const argv = ["sh", "-c", SCRIPT, "plain", TEMPLATE, join(flux.place.base, "plain")];
  const printed = await flux.output("flux", "exec", "-r", "0", ...argv);
  const [, up, down] = /^took ([0-9]+) ([0-9]+)$/m.exec(printed) ?? [];
  return { bringUp: Number(up) / 1000, teardown: Number(down) / 1000 };
}
