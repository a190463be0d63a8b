const TIMESTAMP = /^_(\d{2}):(\d{2}):(\d{2}),(\d{2})-(\d{2})-(\d{4})$/;

const two = (value: number): string => String(value).padStart(2, "0");

/** `_HH:MM:SS,MM-DD-YYYY` in GMT. [SIA DC-09 §5.5.1.9] */
export function formatTimestamp(atMs: number): string {
  const at = new Date(atMs);
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(":");
  return `_${time},${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}-${at.getUTCFullYear()}`;
}

/** Unix ms of a time stamp; undefined when it is none. */
export function parseTimestamp(text: string): number | undefined {
  const [, hour, minute, second, month, day, year] = (TIMESTAMP.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined) return undefined;
  const at = Date.UTC(year, month - 1, day ?? 0, hour, minute, second);
  // 31-02 and the like roll over: such a stamp says nothing
  return formatTimestamp(at) === text ? at : undefined;
}
