import { errorCode } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";

/** Writes a line of the given level; `fields` is plain data. */
export type WriteLine = (level: "debug" | "info" | "warn" | "error", fields: object, message: string) => void;

function plain(fields: object): object {
  const entries = Object.entries(fields).map(([key, value]) => [
    key,
    value instanceof Error ? { code: errorCode(value), message: value.message } : value,
  ]);
  return JSON.parse(JSON.stringify(Object.fromEntries(entries))) as object;
}

/** A logger whose lines can be posted to another thread. */
export function threadLogger(write: WriteLine, bindings: object = {}): Logger {
  const line =
    (level: Parameters<WriteLine>[0]) =>
    (fields: object, message: string): void =>
      write(level, plain({ ...bindings, ...fields }), message);
  return {
    debug: line("debug"),
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    child: (more) => threadLogger(write, { ...bindings, ...more }),
  };
}
