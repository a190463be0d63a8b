/** Every error the hub throws on purpose. `code` is stable and documented; `retriable` tells the supervisor what to do. */
export class HubError extends Error {
  readonly code: string;
  readonly retriable: boolean;
  constructor(code: string, message: string, options: { cause?: unknown; retriable?: boolean } = {}) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retriable = options.retriable ?? false;
  }
}

/** The field device or its network did not answer; trying again may work. */
export class CommunicationError extends HubError {
  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(code, message, { ...options, retriable: true });
  }
}

/** What was given cannot be accepted: a malformed frame, an unknown field, a value out of range. Trying again does not help. */
export class InvalidInputError extends HubError {}

/** The configuration is wrong. `problems` holds every fault at once, each `file:line:column path expected, got`. */
export class ConfigError extends HubError {
  readonly problems: readonly string[];
  constructor(code: string, problems: readonly string[]) {
    super(code, `${problems.length} configuration problem(s)\n${problems.join("\n")}`);
    this.problems = problems;
  }
}

/** The stable code of any thrown thing: the HubError's own, the operating system's, or `UNEXPECTED`. */
export function errorCode(error: unknown): string {
  if (error instanceof HubError) return error.code;
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return "UNEXPECTED";
}

/** The message of any thrown thing, for a log line or a problem document. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
