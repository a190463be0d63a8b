import { describe, expect, it } from "vitest";
import { compileExpression } from "#core/alarm/expression.ts";
import type { Value } from "#core/model/sample.ts";

const kinds = { t: "number", mode: "enum", on: "boolean", text: "string" } as const;

function ask(text: string, values: Readonly<Record<string, Value>>, live = false): boolean | undefined {
  const compiled = compileExpression(text, kinds);
  if ("error" in compiled) throw new Error(compiled.error);
  return compiled.expression(new Map(Object.entries(values)), live);
}

const error = (text: string, of: Parameters<typeof compileExpression>[1] = kinds): string => {
  const compiled = compileExpression(text, of);
  return "error" in compiled ? compiled.error : "";
};

describe("an expression", () => {
  const values = { t: 21.5, mode: 2, on: true, text: "auto" };

  it.each([
    ["t > 20", true],
    ["t - 2 > 20.0", false],
    ["2 * t / 2 == 21.5", true],
    ["on && mode == 2", true],
    ["mode in [1, 3]", false],
    ["on ? t < 20.0 : mode == 2", false],
    ["text.startsWith('au') && !(t <= 20)", true],
    ["abs(t - 25) > 3", true],
    ["double(mode) + t > 23", true],
  ])("%s", (text, result) => {
    expect(ask(text, values)).toBe(result);
  });

  it("knows whether the alarm held before", () => {
    expect([false, true].map((live) => ask("t > (live ? 20 : 22)", values, live))).toEqual([false, true]);
  });

  it("cannot be told after a division by zero or of a value of another type", () => {
    expect(ask("6 / mode > 1", { ...values, mode: 0 })).toBeUndefined();
    expect(ask("on", { ...values, on: "yes" })).toBeUndefined();
    expect(ask("dyn(t).size() > 1", values)).toBeUndefined();
  });

  it.each([
    ["t >", /Unexpected token/],
    ["t + 1", /gives double, not bool/],
    ["dyn(on)", /gives dyn, not bool/],
    ["u > 1", /Unknown variable: u/],
    ["on == 1", /no such overload: bool == int/],
    ["text > 1", /no such overload/],
    ["text.matches('(a+)+$')", /matches is not allowed/],
    ["[text].exists(x, x.matches('(a+)+$'))", /matches is not allowed/],
    [`${"(".repeat(60)}on${")".repeat(60)}`, /depth|nest/i],
    [Array.from({ length: 400 }, () => "on").join(" && "), /nodes|depth/i],
  ])("is refused: %s", (text, message) => {
    expect(error(text)).toMatch(message);
  });

  it("has no name that is a word of the language", () => {
    for (const name of ["live", "in", "true", "matches", "size"])
      expect(error("true", { [name]: "number" })).toBe(`"${name}" is a word of the language`);
  });
});
