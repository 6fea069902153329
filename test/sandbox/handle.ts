/**
 * A program that has opened the instance with `flux.Flux()` (python/flux). Its requests go to the
 * instance's services or through the router. Requests to the services that it has registered are
 * sent to it. The messages have the paths of its host.
 */
import type { Caller } from "./caller.js";
import { decodeMessage, type Message } from "./message.js";
import { OWNER } from "./guests.js";
import type { Host } from "./host.js";
import type { Instance } from "./instance.js";
import { errorAnswer, type Answer, type Provider, type Request, type Respond } from "./router.js";
import { findService } from "./services.js";
import { frame } from "./wire.js";

const ROLE_OWNER = 1;
const ROLE_USER = 2;

export class Handle implements Provider, Caller {
  readonly #host: Host;
  readonly #asked = new Map<number, Respond>();
  readonly #atEnd: (() => void)[] = [];
  #tag = 0;
  #seen: () => void = () => undefined;

  constructor(
    readonly instance: Instance,
    readonly rank: number,
    /** The user who opened the handle. */
    readonly userid: number,
    readonly write: (bytes: Buffer) => void,
  ) {
    this.#host = instance.host(rank);
  }

  /** Handles a message from the program. */
  receive(text: string): void {
    const message = decodeMessage(this.#host.fromProcess(text));
    if (message.type === "seen") this.#seen();
    else if (message.type === "request") this.#request(message);
    else {
      const respond = this.#asked.get(message.tag);
      this.#asked.delete(message.tag);
      if ("errno" in message) respond?.({ errno: message.errno, error: message.error });
      else respond?.({ payload: message.payload });
    }
  }

  #request({ tag, topic, payload }: Message & { type: "request" }): void {
    const respond = (answer: Answer, ack = false) => {
      this.#send({ type: "response", tag, ...answer, ...(ack && { ack }) });
    };
    const service = findService(topic);
    if (!service) {
      this.instance.router.send({ topic, payload, userid: this.userid }, respond);
      return;
    }
    try {
      const value = service(this, payload, respond);
      if (value !== undefined) respond({ payload: value });
    } catch (error) {
      respond(errorAnswer(error));
    }
  }

  take({ topic, payload, userid }: Request, respond: Respond): void {
    const tag = ++this.#tag;
    this.#asked.set(tag, respond);
    const rolemask = userid === OWNER ? ROLE_OWNER : ROLE_USER;
    this.#send({ type: "request", tag, topic, payload, userid, rolemask });
  }

  #send(message: object): void {
    this.write(frame("M", this.#host.toProcess(JSON.stringify(message))));
  }

  onSeen(seen: () => void): void {
    this.#seen = seen;
  }

  onEnd(act: () => void): void {
    this.#atEnd.push(act);
  }

  /** Called when the program has exited. */
  end(): void {
    this.instance.router.remove(this);
    for (const act of this.#atEnd) act();
  }
}
