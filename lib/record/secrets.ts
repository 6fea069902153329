/**
 * Masks secrets in a line that is recorded, logged or shown: a bootstrap token, a CA hash, the data
 * of a kubeconfig. lib/node/agent/masking.py also masks them on the nodes, but this code does not trust it.
 * A test compares the two.
 */
const SECRETS: [RegExp, string][] = [
  [/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/g, "[token]"],
  [/sha256:[0-9a-f]{64}/g, "sha256:[hash]"],
  [/(-data"?: *"?)[A-Za-z0-9+/=]{16,}/g, "$1[data]"],
];

export function maskSecrets(line: string): string {
  return SECRETS.reduce((text, [secret, mask]) => text.replace(secret, mask), line);
}
