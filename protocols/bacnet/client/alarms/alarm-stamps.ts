import { type BacnetTimeStamp, UNSPECIFIED } from "../../codec/timestamp.ts";

/** Is nothing said by it, as of an event that has not happened? */
export function isUnspecified(stamp: BacnetTimeStamp): boolean {
  if (stamp.type === "sequenceNumber") return stamp.value === 0;
  const { hour } = stamp.type === "time" ? stamp.value : stamp.value.time;
  return hour === UNSPECIFIED;
}

/** Are both the very same stamp? */
export function sameStamp(a: BacnetTimeStamp, b: BacnetTimeStamp): boolean {
  return JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));
}

// stamps from the disk may have their fields in another order
function ordered(stamp: BacnetTimeStamp): readonly unknown[] {
  if (stamp.type === "sequenceNumber") return [stamp.type, stamp.value];
  const { hour, minute, second, hundredths } = stamp.type === "time" ? stamp.value : stamp.value.time;
  const clock = [hour, minute, second, hundredths];
  if (stamp.type === "time") return [stamp.type, ...clock];
  const { year, month, day } = stamp.value.date;
  return [stamp.type, year, month, day, ...clock];
}
