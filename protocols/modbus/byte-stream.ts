import { connect } from "node:net";
import type { Clock } from "#core/clock.ts";
import { errorMessage } from "#core/errors.ts";
import type { Endpoint } from "./endpoint.ts";

/** An open connection or line. */
export interface ByteStream {
  write(bytes: Uint8Array): void;
  /** Closes it without a word to its sink. */
  destroy(): void;
}

/** Where the bytes and the end of a stream go. */
export interface ByteSink {
  /** The bytes are overwritten once it returns. */
  onBytes(bytes: Uint8Array): void;
  /** Told once, unless `destroy` came before. */
  onEnd(message: string): void;
}

/** A stream that is open, or why it is not. */
export type Opened = { readonly stream: ByteStream } | { readonly problem: string };

/** Answers are at most 260 bytes, a few of them at once. */
const RECEIVE_BUFFER_BYTES = 4096;

let serial: Promise<typeof import("./serial-stream.ts")> | undefined;

/** Resolves when every serial line that was given up is closed, so that whoever comes next can open it. */
export async function streamsClosed(): Promise<void> {
  const loaded = await serial?.catch(() => undefined);
  await loaded?.serialLinesClosed();
}

/** Opens an end point within `timeoutMs`; aborting gives it up. Never throws. */
export async function openStream(
  endpoint: Endpoint,
  sink: ByteSink,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Opened> {
  if (endpoint.transport !== "serial") return await openTcp(endpoint, sink, clock, timeoutMs, signal);
  try {
    // Loaded only where a serial line is configured: it brings a native module, which not every platform has.
    serial ??= import("./serial-stream.ts");
    const { openSerial } = await serial;
    return await openSerial(endpoint, sink, signal);
  } catch (error) {
    return { problem: errorMessage(error) };
  }
}

function openTcp(
  { host, port }: Endpoint & { readonly transport: "tcp" | "rtuOverTcp" },
  sink: ByteSink,
  clock: Clock,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Opened> {
  const { promise, resolve } = Promise.withResolvers<Opened>();
  let destroyed = false;
  const socket = connect({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    onread: {
      buffer: new Uint8Array(RECEIVE_BUFFER_BYTES),
      callback(length, buffer) {
        if (!destroyed) sink.onBytes(buffer.subarray(0, length));
        return !destroyed;
      },
    },
  });
  const destroy = (): void => {
    destroyed = true;
    socket.destroy();
  };
  const refuse = (problem: string): void => {
    destroy();
    resolve({ problem });
  };
  const cancel = clock.after(timeoutMs, () => refuse(`no connection within ${timeoutMs} ms`));
  const abort = (): void => refuse("given up");
  signal.addEventListener("abort", abort, { once: true });
  let connected = false;
  const end = (message: string): void => {
    cancel();
    signal.removeEventListener("abort", abort);
    if (!connected) refuse(message);
    else if (!destroyed) {
      destroy();
      sink.onEnd(message);
    }
  };
  socket.once("connect", () => {
    cancel();
    signal.removeEventListener("abort", abort);
    connected = true;
    resolve({ stream: { write: (bytes) => void socket.write(bytes), destroy } });
  });
  socket.on("error", (error) => end(errorMessage(error)));
  socket.once("end", () => end("the connection was closed"));
  socket.once("close", () => end("the connection was closed"));
  if (signal.aborted) abort();
  return promise;
}
