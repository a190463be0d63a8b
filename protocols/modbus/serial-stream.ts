import { SerialPort } from "serialport";
import type { ByteSink, Opened } from "./byte-stream.ts";
import type { Endpoint } from "./endpoint.ts";

/** Lines that are being closed, by path. A line is locked until its closing is done. */
const closing = new Map<string, Promise<void>>();
/** Lines that are being opened: what is given up meanwhile is closed as soon as it is open. */
const opening = new Set<Promise<Opened>>();

/**
 * Opens a serial line for this process alone, after a closing of the same line that is under way; aborting gives it up.
 * @throws TypeError for settings that no line has
 */
export async function openSerial(
  endpoint: Endpoint & { readonly transport: "serial" },
  sink: ByteSink,
  signal: AbortSignal,
): Promise<Opened> {
  await closing.get(endpoint.path);
  if (signal.aborted) return { problem: "given up" };
  const opened = openLine(endpoint, sink, signal);
  opening.add(opened);
  return await opened.finally(() => opening.delete(opened));
}

/** Resolves when every line that was given up is closed. */
export async function serialLinesClosed(): Promise<void> {
  await Promise.all(opening);
  await Promise.all(closing.values());
}

function openLine(
  { path, baudRate, parity, dataBits, stopBits }: Endpoint & { readonly transport: "serial" },
  sink: ByteSink,
  signal: AbortSignal,
): Promise<Opened> {
  const { promise, resolve } = Promise.withResolvers<Opened>();
  const port = new SerialPort({ path, baudRate, parity, dataBits, stopBits, autoOpen: false, lock: true });
  let destroyed = false;
  const destroy = (): void => {
    destroyed = true;
    // a line that is still being opened is closed once it is open
    if (port.isOpen) closeLine(path, port);
  };
  const end = (message: string): void => {
    if (destroyed) return;
    destroy();
    sink.onEnd(message);
  };
  port.on("data", (bytes: Uint8Array) => {
    if (!destroyed) sink.onBytes(bytes);
  });
  port.on("error", (error: Error) => end(error.message));
  port.on("close", () => end("the serial line was closed"));
  port.open((error) => {
    if (error !== null || signal.aborted) {
      destroy();
      resolve({ problem: error === null ? "given up" : error.message });
    } else resolve({ stream: { write: (bytes) => void port.write(bytes), destroy } });
  });
  return promise;
}

function closeLine(path: string, port: SerialPort): void {
  const { promise, resolve } = Promise.withResolvers<void>();
  closing.set(path, promise);
  port.close(() => {
    if (closing.get(path) === promise) closing.delete(path);
    resolve();
  });
}
