/**
 * A world in which something happens at one of the daemon's effects. If the daemon is killed there,
 * the effect is either done or not, and no effect follows.
 */
import type { World } from "../../plugin/world.js";

export interface Death {
  /** The number of the effect, starting from 1. */
  at: number;
  /** Whether that effect is still done. */
  done: boolean;
  /** Changes the job at that effect, before it is done. */
  happens?: () => void;
  /** Whether the daemon survives. */
  survives?: boolean;
}

const never = <T>(): Promise<T> => new Promise(() => undefined);

export class MortalWorld {
  private dead = false;
  /** The effect at which the daemon died. */
  last = "";
  readonly died: Promise<void>;
  private tellDeath: () => void = () => undefined;
  private effects = 0;

  constructor(
    private readonly death: Death,
    private readonly die: () => void,
  ) {
    this.died = new Promise((resolve) => {
      this.tellDeath = resolve;
    });
  }

  isDead(): boolean {
    return this.dead;
  }

  wrap(world: World): World {
    const { flux, run } = world;
    const verbs = [
      "post",
      "memo",
      "raise",
      "expire",
      "update",
      "commit",
      "lookup",
      "drain",
    ] as const;
    const mortal = Object.fromEntries(
      verbs.map((verb) => [
        verb,
        (...args: unknown[]) =>
          this.effect(typeof args[1] === "string" ? `${verb} ${args[1]}` : verb, () =>
            (flux[verb] as (...args: unknown[]) => Promise<unknown>).apply(flux, args),
          ),
      ]),
    );
    return {
      ...world,
      flux: mortal as unknown as World["flux"],
      run: (command, options) =>
        this.effect(command.argv.slice(0, 4).join(" "), () => run(command, options), {
          // A session with the nodes is open as soon as it is started, and ends with the daemon.
          stays: options?.onInput !== undefined,
        }),
    };
  }

  private async effect<T>(name: string, act: () => Promise<T>, { stays = false } = {}): Promise<T> {
    if (this.dead) return never();
    if (++this.effects !== this.death.at) return act();
    this.last = name;
    this.death.happens?.();
    if (this.death.survives) return act();
    this.dead = true;
    if (this.death.done) {
      const done = act().catch(() => undefined);
      if (!stays) await done;
    }
    this.die();
    this.tellDeath();
    return never();
  }
}
