import { SerialPort } from "serialport";
import type { ByteSink, Opened } from "./byte-stream.ts";
import type { Endpoint } from "./endpoint.ts";

/** Opens a serial line for this process alone; aborting gives it up. Never throws. */
export function openSerial(
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
    if (port.isOpen) port.close();
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
