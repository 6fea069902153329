/** Sends one call of the flux command to an instance, over the socket of a rank. */
import { connect } from "node:net";
import { frame, FrameReader, type Request } from "./wire.js";

export interface Caller {
  onStdout: (chunk: Buffer) => void;
  onStderr: (chunk: Buffer) => void;
  /** Called once, when the command reads its stdin. */
  onStdinWanted: () => void;
}

export interface Calling {
  stdin: (chunk: Buffer) => void;
  endOfStdin: () => void;
  signal: (name: NodeJS.Signals) => void;
  /**
   * Resolves to the exit status, or to undefined if the instance has exited. Rejects if no
   * instance listens on the socket.
   */
  ended: Promise<number | undefined>;
}

export const socketOf = (uri: string): string => uri.replace(/^local:\/\//, "");

export function callInstance(socketPath: string, request: Request, caller: Caller): Calling {
  const socket = connect(socketPath);
  const reader = new FrameReader();
  socket.write(frame("R", JSON.stringify(request)));
  const ended = new Promise<number | undefined>((resolve, reject) => {
    socket.on("data", (chunk) => {
      for (const { type, payload } of reader.feed(chunk)) {
        if (type === "O") caller.onStdout(payload);
        else if (type === "P") caller.onStderr(payload);
        else if (type === "W") caller.onStdinWanted();
        else if (type === "X") resolve(Number(payload.toString()));
      }
    });
    socket.on("error", reject);
    socket.on("close", () => {
      resolve(undefined);
    });
  });
  return {
    stdin: (chunk) => void socket.write(frame("I", chunk)),
    endOfStdin: () => void socket.write(frame("E")),
    signal: (name) => void socket.write(frame("S", name)),
    ended,
  };
}
