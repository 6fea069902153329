/**
 * Passes a request to a service of the instance (services.ts), or to the program that has
 * registered the service's name. As in Flux, a request is never answered if the program exits
 * before it answers.
 */
import { constants } from "node:os";
import { FluxError } from "./flux-error.js";

export interface Request {
  /** SERVICE.METHOD */
  topic: string;
  /** JSON; null if the request has no payload. */
  payload: string | null;
  userid: number;
}

export type Answer = { payload: string | null } | { errno: number; error: string };

/** Sends the answer. It is called once, or for each answer of a stream. */
export type Respond = (answer: Answer) => void;

/** A program that offers a service. */
export interface Provider {
  take(request: Request, respond: Respond): void;
}

export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof FluxError)) return { errno: constants.errno.EPROTO, error: String(error) };
  return { errno: error.errno, error: error.message };
}

export class Router {
  readonly #providers = new Map<string, Provider>();

  has(service: string): boolean {
    return this.#providers.has(service);
  }

  add(service: string, provider: Provider): void {
    if (this.has(service)) throw new FluxError("EEXIST");
    this.#providers.set(service, provider);
  }

  /** Removes the services of a program that has exited. */
  remove(provider: Provider): void {
    for (const [service, owner] of this.#providers)
      if (owner === provider) this.#providers.delete(service);
  }

  send(request: Request, respond: Respond): void {
    const [service = ""] = request.topic.split(".");
    const provider = this.#providers.get(service);
    if (provider) provider.take(request, respond);
    else
      respond(
        errorAnswer(new FluxError("ENOSYS", `No service matching ${request.topic} is registered`)),
      );
  }
}
