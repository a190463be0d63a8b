import { type ASTNode, Environment } from "@marcbachmann/cel-js";
import { errorMessage } from "../errors.ts";
import type { Point } from "../model/point.ts";
import type { Value } from "../model/sample.ts";

/** What an expression gives: undefined when it cannot be told, as after a division by zero. */
export type Expression = (values: ReadonlyMap<string, Value>, live: boolean) => boolean | undefined;

/** An expression that can be asked, or why it cannot. */
export type Compiled = { readonly expression: Expression } | { readonly error: string };

const LIMITS = { maxAstNodes: 500, maxDepth: 32, maxListElements: 100, maxMapEntries: 20, maxCallArguments: 8 };

/** Was it in alarm before? Lets an expression have a hysteresis. */
const LIVE = "live";

/** Words that CEL or this module keeps for itself. [CEL language definition, Syntax] */
const RESERVED: ReadonlySet<string> = new Set(
  `${LIVE} abs as break const continue else false for function if import in let loop namespace null package return true type var
  void while bool bytes double dyn duration int list map size string timestamp uint matches`.split(/\s+/),
);

/** A pattern may take a time that nothing bounds; the rest of CEL ends by itself. */
const FORBIDDEN: ReadonlySet<string> = new Set(["matches"]);

const TYPES = { number: "double", enum: "int", boolean: "bool", string: "string" } as const satisfies Record<
  Point["kind"],
  string
>;

const ARITHMETIC = {
  "+": (a: number, b: number) => a + b,
  "-": (a: number, b: number) => a - b,
  "*": (a: number, b: number) => a * b,
  "/": (a: number, b: number) => a / b,
} as const;

/** Numbers of points are double; a formula written with whole numbers means them as such, which strict CEL refuses. */
function environmentOf(kinds: Readonly<Record<string, Point["kind"]>>): Environment {
  const environment = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS });
  for (const [sign, calculate] of Object.entries(ARITHMETIC)) {
    const mixed = (a: number | bigint, b: number | bigint): number => calculate(Number(a), Number(b));
    environment.registerOperator(`double ${sign} int: double`, mixed);
    environment.registerOperator(`int ${sign} double: double`, mixed);
  }
  environment.registerFunction("abs(double): double", (value: number) => Math.abs(value));
  environment.registerVariable(LIVE, "bool");
  for (const [name, kind] of Object.entries(kinds)) environment.registerVariable(name, TYPES[kind]);
  return environment;
}

/** Is there a call of something forbidden in the tree? */
function calls(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(calls);
  if (node === null || typeof node !== "object" || !("op" in node)) return false;
  const { op, args } = node as ASTNode;
  const [name] = Array.isArray(args) ? args : [];
  if ((op === "call" || op === "rcall") && typeof name === "string" && FORBIDDEN.has(name)) return true;
  return calls(args);
}

function told(error: unknown): string {
  return errorMessage(error).split("\n", 1)[0] ?? "";
}

/**
 * Reads and type-checks a CEL expression over points of these kinds. Bounded in size, without patterns, and it must give a bool.
 * Beyond CEL it knows arithmetic between double and int, `abs(double)` and `live`. @see https://github.com/google/cel-spec
 */
export function compileExpression(text: string, kinds: Readonly<Record<string, Point["kind"]>>): Compiled {
  const reserved = Object.keys(kinds).find((name) => RESERVED.has(name));
  if (reserved !== undefined) return { error: `"${reserved}" is a word of the language` };
  try {
    const environment = environmentOf(kinds);
    const checked = environment.check(text);
    if (!checked.valid) return { error: told(checked.error) };
    if (checked.type !== "bool") return { error: `gives ${checked.type}, not bool` };
    const parsed = environment.parse(text);
    if (calls(parsed.ast)) return { error: `${[...FORBIDDEN].join(", ")} is not allowed` };
    const enums = new Set(Object.keys(kinds).filter((name) => kinds[name] === "enum"));
    return { expression: (values, live) => asked(parsed, values, enums, live) };
  } catch (error) {
    return { error: told(error) };
  }
}

function asked(
  parsed: (context: Record<string, unknown>) => unknown,
  values: ReadonlyMap<string, Value>,
  enums: ReadonlySet<string>,
  live: boolean,
): boolean | undefined {
  const context: Record<string, unknown> = { [LIVE]: live };
  for (const [name, value] of values)
    context[name] = enums.has(name) && Number.isInteger(value) ? BigInt(value as number) : value;
  try {
    const result = parsed(context);
    return typeof result === "boolean" ? result : undefined;
  } catch {
    // the expression says nothing about these values, which marks its alarm as stale: neither alarm nor normal
    return undefined;
  }
}
