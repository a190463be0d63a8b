import { readFileSync } from "node:fs";
import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Static, TSchema } from "typebox";
import { isCollection, isMap, isPair, isScalar, LineCounter, type Node, parseDocument } from "yaml";

const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false, verbose: true });
const compiled = new WeakMap<object, ValidateFunction>();

function validatorOf(schema: TSchema): ValidateFunction {
  const known = compiled.get(schema);
  if (known) return known;
  const validate = ajv.compile(schema);
  compiled.set(schema, validate);
  return validate;
}

/** One step into a document: a key or an index. */
export type PathStep = string | number;

/** Shows a path as `/devices/3/points/0`. */
export function showPath(path: readonly PathStep[]): string {
  return path.length === 0 ? "/" : `/${path.join("/")}`;
}

function show(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const EXPECTATIONS: Readonly<Record<string, (error: ErrorObject) => string>> = {
  type: (e) => String(e.params["type"]),
  enum: (e) => `one of ${(e.params["allowedValues"] as unknown[]).join(", ")}`,
  const: (e) => show(e.params["allowedValue"]),
  pattern: (e) => `text like ${String(e.params["pattern"])}`,
  minimum: (e) => `at least ${String(e.params["limit"])}`,
  maximum: (e) => `at most ${String(e.params["limit"])}`,
  minLength: (e) => `at least ${String(e.params["limit"])} character(s)`,
  maxLength: (e) => `at most ${String(e.params["limit"])} characters`,
  minItems: (e) => `at least ${String(e.params["limit"])} item(s)`,
};

/** `path expected X, got Y` for one schema error. */
function describe(error: ErrorObject): { path: PathStep[]; text: string } {
  const path = error.instancePath.split("/").slice(1).map(unescapeStep);
  if (error.keyword === "required")
    return {
      path,
      text: `${showPath([...path, String(error.params["missingProperty"])])} expected a value, got nothing`,
    };
  if (error.keyword === "additionalProperties") {
    const key = String(error.params["additionalProperty"]);
    const known = Object.keys((error.parentSchema?.["properties"] ?? {}) as object);
    return {
      path: [...path, key],
      text: `${showPath([...path, key])} expected one of ${known.join(", ")}, got this name`,
    };
  }
  const expected = EXPECTATIONS[error.keyword]?.(error) ?? error.message ?? error.keyword;
  return { path, text: `${showPath(path)} expected ${expected}, got ${show(error.data)}` };
}

function unescapeStep(step: string): PathStep {
  const text = step.replaceAll("~1", "/").replaceAll("~0", "~");
  return /^\d+$/.test(text) ? Number(text) : text;
}

/**
 * Of a union only the branch that was meant is reported: the one whose discriminating constants fit, with the fewest errors.
 * Without it one wrong field would be told once for every branch.
 */
function meant(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  let kept = [...errors];
  const unions = errors.filter((e) => e.keyword === "anyOf").sort((a, b) => b.schemaPath.length - a.schemaPath.length);
  for (const union of unions) {
    const inside = kept.filter((e) => e !== union && e.schemaPath.startsWith(`${union.schemaPath}/`));
    const branches = new Map<string, ErrorObject[]>();
    for (const error of inside) {
      const branch = error.schemaPath.slice(union.schemaPath.length + 1).split("/", 1)[0] ?? "";
      branches.set(branch, [...(branches.get(branch) ?? []), error]);
    }
    const fitting = [...branches.values()]
      .filter((branch) => !branch.some((e) => e.instancePath === union.instancePath && e.keyword === "type"))
      .filter((branch) => !branch.some((e) => /\/(type|kind)$/.test(e.instancePath) && /const|enum/.test(e.keyword)))
      .sort((a, b) => a.length - b.length)[0];
    const drop = new Set<ErrorObject>(fitting ? [union, ...inside] : inside);
    kept = kept.filter((e) => !drop.has(e));
    if (fitting) kept.push(...fitting);
  }
  return kept;
}

/** Problems of a plain value against a schema, as `path expected, got`; fills defaults in. */
export function schemaProblems(schema: TSchema, value: unknown): readonly { path: PathStep[]; text: string }[] {
  const validate = validatorOf(schema);
  if (validate(value)) return [];
  return meant(validate.errors ?? []).map(describe);
}

/** A parsed YAML file that can say where each of its values stands. */
export class YamlFile {
  readonly name: string;
  readonly value: unknown;
  readonly #root: Node | null;
  readonly #lines: LineCounter;

  private constructor(name: string, value: unknown, root: Node | null, lines: LineCounter) {
    this.name = name;
    this.value = value;
    this.#root = root;
    this.#lines = lines;
  }

  /** Reads and parses; syntax errors are added to `problems` and give undefined. `name` is how the file is called in messages. */
  static read(file: string, name: string, problems: string[]): YamlFile | undefined {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      problems.push(
        `${name}:1:1 / expected a readable file, got ${(error as NodeJS.ErrnoException).code ?? "an error"}`,
      );
      return undefined;
    }
    return YamlFile.parse(text, name, problems);
  }

  /** Parses text; see `read`. */
  static parse(text: string, name: string, problems: string[]): YamlFile | undefined {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
    for (const error of document.errors) {
      const { line, col } = lines.linePos(error.pos[0]);
      problems.push(`${name}:${line}:${col} / expected valid YAML, got: ${error.message.split("\n", 1)[0]}`);
    }
    if (document.errors.length > 0) return undefined;
    return new YamlFile(name, document.toJS({ maxAliasCount: 100 }), document.contents, lines);
  }

  /** `file:line:column` of the value at a path, or of its nearest parent that exists. */
  where(path: readonly PathStep[]): string {
    let node: unknown = this.#root;
    let offset = 0;
    for (const step of [undefined, ...path]) {
      if (step !== undefined) node = isCollection(node) ? childAt(node, step) : undefined;
      const found = isPair(node) ? node.key : node;
      const range = (found as Node | null | undefined)?.range;
      if (!range) break;
      offset = range[0];
      if (isPair(node)) node = node.value;
    }
    const { line, col } = this.#lines.linePos(offset);
    return `${this.name}:${line}:${col}`;
  }

  /** The value as the schema's type, or undefined with every fault added to `problems`. */
  check<T extends TSchema>(schema: T, problems: string[]): Static<T> | undefined {
    const found = schemaProblems(schema, this.value);
    for (const { path, text } of found) problems.push(`${this.where(path)} ${text}`);
    return found.length === 0 ? (this.value as Static<T>) : undefined;
  }
}

function childAt(node: unknown, step: PathStep): unknown {
  if (isMap(node)) return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(step));
  return isCollection(node) ? node.get(step, true) : undefined;
}
