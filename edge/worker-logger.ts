import { errorCode } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";

/** A line that a thread has the gateway log. */
export interface WorkerLine {
  readonly kind: "log";
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: object;
  readonly message: string;
}

function plainFields(fields: object): object {
  const plain = Object.entries(fields).map(([key, value]) => [
    key,
    value instanceof Error ? { code: errorCode(value), message: value.message } : value,
  ]);
  return JSON.parse(JSON.stringify(Object.fromEntries(plain))) as object;
}

/** The logger of a worker thread: `tell` passes its lines to the gateway's thread, as plain data. */
export function workerLogger(tell: (line: WorkerLine) => void, bindings: object): Logger {
  const log =
    (level: WorkerLine["level"]) =>
    (fields: object, message: string): void =>
      tell({ kind: "log", level, fields: plainFields({ ...bindings, ...fields }), message });
  return {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    child: (more) => workerLogger(tell, { ...bindings, ...more }),
  };
}
