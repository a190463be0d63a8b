import { HubError } from "#core/errors.ts";

/** Says which port and which variable changes it, where the fault is that the port is taken. */
export function portTaken(error: unknown, { host, port }: { host: string; port: number }, variable: string): unknown {
  const codes = [error, (error as { cause?: unknown } | undefined)?.cause].map(
    (one) => (one as NodeJS.ErrnoException | undefined)?.code,
  );
  if (!codes.includes("EADDRINUSE") && !codes.includes("EACCES")) return error;
  return new HubError(
    "PORT_TAKEN",
    `port ${port} of ${host} is in use or not allowed: set ${variable} to another host:port`,
    { cause: error },
  );
}
