/** Whether attributes.user.usernetes asks for a cluster: plugin/bridge.py's rule. */
const NO = ["no", "false", "off", "0", ""];

export function asks(value: unknown): boolean {
  if (typeof value === "string") return !NO.includes(value.toLowerCase());
  return value !== undefined && value !== null && value !== false && value !== 0;
}
