import type { PointView } from "#core/contracts/points.ts";
import type { Value } from "#core/model/sample.ts";

type Target = Pick<PointView, "kind" | "min" | "max">;
/** What somebody typed or chose, as a value that may be written; or why not: text `write.<problem>`. */
export type Written = { readonly value: Exclude<Value, null> } | { readonly problem: "invalid" | "outOfRange" };

/** Reads the input of the write form. A decimal comma is taken as a point; a number beyond the limits is refused. */
export function readInput(input: string, { kind, min, max }: Target): Written {
  const text = input.trim();
  if (text === "") return { problem: "invalid" };
  switch (kind) {
    case "string":
      return { value: text };
    case "boolean":
      if (text !== "0" && text !== "1") return { problem: "invalid" };
      return { value: text === "1" };
    case "number":
    case "enum": {
      const value = Number(text.replace(",", "."));
      if (!Number.isFinite(value) || (kind === "enum" && !Number.isInteger(value))) return { problem: "invalid" };
      if ((min !== undefined && value < min) || (max !== undefined && value > max)) return { problem: "outOfRange" };
      return { value };
    }
    default:
      return kind satisfies never;
  }
}
