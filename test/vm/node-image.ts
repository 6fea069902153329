/** Installs the tests' template and node image (test/podman) on machines, without a registry. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Test } from "tap";
import { PACKAGE } from "../sandbox/paths.js";
import type { Site } from "./site.js";

/** Unpacks the template and the image's files: Debian's busybox and stand-ins for Kubernetes. */
const PREPARE = `set -e
rm -rf /opt/node-image /opt/usernetes
base64 -d | tar -xz -C /opt
mv /opt/image /opt/node-image
mv /opt/template /opt/usernetes
cd /opt/node-image
mkdir -p root/bin root/usr/bin root/usr/share/kube/health root/proc root/sys root/etc root/var root/opt root/tmp root/run
cp /bin/busybox root/bin/busybox
for name in $(/bin/busybox --list); do
  [ "$name" = busybox ] || ln -sf busybox "root/bin/$name"
done
cp bin/* root/usr/bin/
cp bin/kubectl bin/kube-address /usr/local/bin/
cp -r www root/usr/share/kube/apiserver
echo ok >root/usr/share/kube/health/healthz
chown -R root:root /opt/node-image /opt/usernetes
chmod -R go+rX /opt/node-image /opt/usernetes`;

/** Installs the template and the image's files on every machine, and the stand-in for kubectl. */
export async function putTemplate(t: Test, site: Site): Promise<void> {
  const argv = ["-cz", "-C", join(PACKAGE, "test/podman"), "image", "template"];
  const { status, stdout } = spawnSync("tar", argv);
  t.equal(status, 0, "the template is packed");
  await site.everywhere(t, "the template is there", PREPARE, stdout.toString("base64"));
}

/** Builds the image in the store of a user's engine, on every machine. */
export async function buildNodeImage(
  t: Test,
  site: Site,
  user: string,
  engine: string,
): Promise<void> {
  const build = `cd /opt/node-image && ${engine} build -q -t localhost/usernetes-test-node -f Containerfile .`;
  await site.each(t, `the node image of ${user}`, (host) => host.session(user, build));
}
