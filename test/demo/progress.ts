/**
 * Shows the steps from the daemon's log as they run: one redrawn line for each node on a terminal,
 * plain lines otherwise.
 */
import { Listr, type ListrTaskWrapper, type DefaultRenderer, type SimpleRenderer } from "listr2";

/** A line of the daemon's log that is about a step. */
export interface StepLine {
  step: string;
  ranks: number[];
  status: "begins" | "ok" | "failed" | "timeout" | "lost";
  seconds?: number;
}

export interface Progress {
  take(line: StepLine): void;
  /** Resolves when the last line is drawn. */
  end(): Promise<void>;
}

export function stepLine(text: string): StepLine | undefined {
  try {
    const line = JSON.parse(text) as Partial<StepLine>;
    return line.step && line.ranks && line.status ? (line as StepLine) : undefined;
  } catch {
    return undefined;
  }
}

export function makeProgress(hosts: string[]): Progress {
  return process.stdout.isTTY ? new LiveLines(hosts) : new PlainLines(hosts);
}

const begunAt = Date.now();
const clock = (): string => `${((Date.now() - begunAt) / 1000).toFixed(1).padStart(6)} s`;

class PlainLines implements Progress {
  constructor(private readonly hosts: string[]) {}

  take({ step, ranks, status, seconds }: StepLine): void {
    if (status === "begins") return;
    for (const rank of ranks) {
      const how = status === "ok" ? `ok in ${(seconds ?? 0).toFixed(1)} s` : status;
      process.stdout.write(`${clock()}  ${this.hosts[rank] ?? "?"}  ${step.padEnd(16)}  ${how}\n`);
    }
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

type Task = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

class LiveLines implements Progress {
  private readonly done: string[][];
  private readonly now: Set<string>[];
  private readonly tasks: Task[] = [];
  private finish: () => void = () => undefined;
  private readonly drawn: Promise<unknown>;

  constructor(private readonly hosts: string[]) {
    this.done = hosts.map(() => []);
    this.now = hosts.map(() => new Set<string>());
    const over = new Promise<void>((resolve) => {
      this.finish = resolve;
    });
    const list = new Listr(
      hosts.map((host, rank) => ({
        title: host,
        task: (_: unknown, task: Task) => {
          this.tasks[rank] = task;
          this.draw(rank);
          return over;
        },
      })),
      { concurrent: true },
    );
    this.drawn = list.run();
  }

  take({ step, ranks, status, seconds }: StepLine): void {
    for (const rank of ranks) {
      if (status === "begins") this.now[rank]?.add(step);
      else {
        const how = status === "ok" ? (seconds ?? 0).toFixed(1) : status;
        this.done[rank]?.push(`${step} ${how}`);
        this.now[rank]?.delete(step);
      }
      this.draw(rank);
    }
  }

  async end(): Promise<void> {
    this.finish();
    await this.drawn;
  }

  private draw(rank: number): void {
    const task = this.tasks[rank];
    const now = [...(this.now[rank] ?? [])].map((step) => `${step} ...`);
    const parts = [...(this.done[rank] ?? []), ...now];
    if (task) task.title = `${this.hosts[rank] ?? ""}  ${parts.join(", ")}`;
  }
}
