/**
 * Wraps a World so that something happens at one chosen effect of the daemon, such as kill -9. A
 * killed daemon either completes that effect or does not, and has no further effects.
 */
import type { World } from "../../plugin/world.js";

export interface Death {
  /** The number of the chosen effect, starting from 1. */
  at: number;
  /** Whether a killed daemon still completes the chosen effect. */
  done: boolean;
  /** Changes the job just before the chosen effect. */
  happens?: () => void;
  /** Whether the daemon survives. */
  survives?: boolean;
}

const never = <T>(): Promise<T> => new Promise(() => undefined);

export class MortalWorld {
  private dead = false;
  /** The name of the chosen effect. It is empty until the daemon reaches that effect. */
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
          // A session with the nodes lasts as long as the daemon, so its end cannot be awaited.
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
