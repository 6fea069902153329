/** The strsignal(3) texts of the signals that can end processes here. */
import { constants } from "node:os";

const TEXTS: Partial<Record<NodeJS.Signals, string>> = {
  SIGHUP: "Hangup",
  SIGINT: "Interrupt",
  SIGQUIT: "Quit",
  SIGABRT: "Aborted",
  SIGKILL: "Killed",
  SIGSEGV: "Segmentation fault",
  SIGPIPE: "Broken pipe",
  SIGALRM: "Alarm clock",
  SIGTERM: "Terminated",
  SIGUSR1: "User defined signal 1",
  SIGUSR2: "User defined signal 2",
};

export function describeSignal(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  const name = found?.[0] as NodeJS.Signals | undefined;
  return (name && TEXTS[name]) ?? `Signal ${number}`;
}
