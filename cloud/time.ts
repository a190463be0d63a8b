/** Unix milliseconds as ISO 8601 UTC, the form of every time in the HTTP API. */
export function iso(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
