/**
 * The scenarios in which the tests run the public branches of converged-computing/usernetes: the
 * table [usernetes] for each, and the expected outcome. docs/sites.md lists them in a table.
 */

export interface Scenario {
  /** The name of the clone's directory. */
  branch: string;
  title: string;
  /** Further lines of [usernetes]. */
  table: string;
  /** The outcome of a job's cluster. A pattern matches the reason of a failure. */
  outcome: "ready" | RegExp;
  /** The number of jobs on the same nodes at the same time; by default one. */
  jobs?: 2;
  /** Set if the site's image has mikefarah/yq instead of Debian's yq. */
  withYq?: true;
}

/** A hook that edits the cluster's own copy of the template. The branch itself stays unchanged. */
const edits = (expressions: string[], files: string[]): string => {
  const options = expressions.flatMap((expression) => ["-e", expression]);
  return `hooks.before-up = ${JSON.stringify(["sed", "-i", ...options, ...files])}\n`;
};

const CALICO = 'make.network = "install-calico"\n';
const CALICO_PORT = 'port-variables = ["PORT_CALICO"]\n';
const DEFAULT_PORTS = 'ports = "default"\n';
/** The template's script writes port 8472, but the published port is the cluster's own. */
const VXLAN_PORT = "s/daemonset\\/calico-node IP-/& FELIX_VXLANPORT=$PORT_FLANNEL/";
const INSTALL_CALICO = "Makefile.d/calico/install-calico.sh";
/**
 * The script's last loop gives each node the address that an earlier loop found for the last node.
 */
const EACH_ADDRESS = `s#^ *\\# Extracts the node name.*#host_ip=$(kubectl get "$node" -o jsonpath='{.metadata.labels.usernetes/host-ip}')#`;
/** The script downloads into a directory that the compose file mounts read-only. */
const WRITABLE = "s#\\.:/usernetes:ro#.:/usernetes#";
/** The target applies flannel's manifest with port 8472 in place of the image's chart. */
const FLANNEL_OF_IMAGE =
  "s#kubectl apply -f https://.*kube-flannel.yml#/usernetes/Makefile.d/install-flannel.sh#";

const NO_DNS = /the DNS Service at \S+ does not answer/;
const NOT_READY = /waiting for wait-nodes .* 0 of 2 Ready/;

export const SCENARIOS: Scenario[] = [
  {
    branch: "hpc-0.0.0",
    title: "install-calico downloads into a read-only directory",
    table: CALICO + CALICO_PORT,
    outcome: NOT_READY,
  },
  {
    branch: "hpc-0.0.0",
    title: "two clusters run on the same nodes with Calico",
    table:
      CALICO + CALICO_PORT + edits([WRITABLE, VXLAN_PORT], ["docker-compose.yaml", INSTALL_CALICO]),
    outcome: "ready",
    jobs: 2,
  },
  {
    branch: "usernetes-hpc-0.0.0",
    title: "Calico's VXLAN has a port outside of the cluster's",
    table: CALICO + CALICO_PORT,
    outcome: NO_DNS,
  },
  {
    branch: "usernetes-hpc-0.0.0",
    title: "two clusters run on the same nodes with Calico",
    table: CALICO + CALICO_PORT + edits([VXLAN_PORT], [INSTALL_CALICO]),
    outcome: "ready",
    jobs: 2,
  },
  {
    branch: "calico-upstream-pr",
    title: "Debian's yq changes nothing in Calico's manifest",
    table: CALICO + CALICO_PORT + edits([VXLAN_PORT], [INSTALL_CALICO]),
    outcome: NO_DNS,
  },
  {
    branch: "calico-upstream-pr",
    title: "two clusters run on the same nodes with Calico and another yq",
    table: CALICO + CALICO_PORT + edits([VXLAN_PORT, EACH_ADDRESS], [INSTALL_CALICO]),
    outcome: "ready",
    withYq: true,
    jobs: 2,
  },
  {
    branch: "test-ipa",
    title: "install-calico gives all nodes the address of the last one",
    table: CALICO + DEFAULT_PORTS,
    outcome: NO_DNS,
  },
  {
    branch: "test-ipa",
    title: "two clusters run on the same nodes with Calico",
    table: CALICO + edits([VXLAN_PORT, EACH_ADDRESS], [INSTALL_CALICO]),
    outcome: "ready",
    jobs: 2,
  },
  {
    branch: "test-ipa",
    title: "up-built starts a container beside the node",
    table:
      CALICO + DEFAULT_PORTS + 'make.up = "up-built"\n' + edits([EACH_ADDRESS], [INSTALL_CALICO]),
    outcome: "ready",
  },
  {
    branch: "test-corona",
    title: "flannel's VXLAN has a port outside of the cluster's",
    table: "",
    outcome: NO_DNS,
  },
  {
    branch: "test-corona",
    title: "up-built works with usernetes' own ports",
    table: DEFAULT_PORTS + 'make.up = "up-built"\n',
    outcome: "ready",
  },
  ...["develop", "add-amd-gpus"].flatMap((branch): Scenario[] => [
    {
      branch,
      title: "a device plugin works with usernetes' own ports",
      table:
        DEFAULT_PORTS + 'hooks.after-ready = ["kubectl", "apply", "-f", "device-plugin.yaml"]\n',
      outcome: "ready",
    },
    {
      branch,
      title: "two clusters run on the same nodes with the image's flannel",
      table: edits([FLANNEL_OF_IMAGE], ["Makefile"]),
      outcome: "ready",
      jobs: 2,
    },
  ]),
  {
    branch: "dranet",
    title: "the driver has its rights with usernetes' own ports",
    table: DEFAULT_PORTS + 'hooks.after-ready = ["make", "dra"]\n',
    outcome: "ready",
  },
];
