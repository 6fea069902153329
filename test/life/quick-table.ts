/**
 * Lines of a [usernetes] table for tests that do not look at the wait for the network and DNS. It
 * is a fifth of a short bring-up: three calls of kubectl and jq. Lines with a `ready` of their own
 * stay as they are; 'ready = "dns"\n' is the default of a site.
 */
export const quickTable = (lines: string): string =>
  /^ready *=/m.test(lines) ? lines : `ready = "nodes"\n${lines}`;
