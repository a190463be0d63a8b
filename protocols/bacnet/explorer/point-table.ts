import type { DiscoveredPoint } from "#core/contracts/discovery.ts";
import { tableText } from "./table.ts";

const COLUMNS = [
  { title: "id", most: 40 },
  { title: "name", most: 30 },
  { title: "kind" },
  { title: "unit" },
  { title: "writable" },
  { title: "address" },
  { title: "tags", most: 40 },
] as const;

/** A point list as a table; of tags only the sure ones. */
export function pointTable(points: readonly DiscoveredPoint[]): string {
  const rows = points.map(({ id, name, kind, unit, writable, address, tags = [] }) => [
    id,
    name,
    kind,
    unit ?? "",
    writable ? "yes" : "",
    addressText(address),
    tags
      .filter(({ confidence }) => confidence >= 0.7)
      .map(({ tag }) => tag)
      .join(" "),
  ]);
  return tableText(COLUMNS, rows);
}

function addressText(address: unknown): string {
  const { objectType, instance }: { objectType?: unknown; instance?: unknown } = Object(address);
  return `${objectType}:${instance}`;
}
