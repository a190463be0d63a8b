import { InvalidInputError } from "#core/errors.ts";

/** Where references are looked up. Each returns undefined for an unknown name. */
export interface ReferenceSources {
  /** `secret:<name>`: a whole text value; `<name>-key` is an AES key in hexadecimal. */
  readonly secret: (name: string) => string | undefined;
  /**
   * `${sim:<name>}`: what the simulators tell: the port of a device, or for `<server>-thumbprint` the SHA-1 of its certificate. A
   * port that is the whole value becomes a number, inside a text its digits.
   */
  readonly simPort: (name: string) => number | string | undefined;
}

/** Names of references whose value has a form of its own. */
const THUMBPRINT = "-thumbprint";
const KEY = "-key";
const SIM = /\$\{sim:([A-Za-z0-9_.-]+)\}/g;
const PARAMETER = /\$\{([a-z][A-Za-z0-9]*)\}/g;
const SECRET = /^secret:([A-Za-z0-9_.-]+)$/;

function must<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new InvalidInputError("CONFIG_REFERENCE_UNKNOWN", `${what} is not known here`);
}

function resolveText(text: string, sources: ReferenceSources): string | number {
  const secret = SECRET.exec(text)?.[1];
  if (secret !== undefined) return must(sources.secret(secret), `secret "${secret}"`);
  const told = (name: string): number | string => must(sources.simPort(name), `simulated device "${name}"`);
  const whole = /^\$\{sim:([A-Za-z0-9_.-]+)\}$/.exec(text)?.[1];
  if (whole !== undefined) return told(whole);
  return text.replace(SIM, (_, name: string) => String(told(name)));
}

/** A copy of a configuration section with every `secret:<name>` and `${sim:<name>}` filled in. @throws CONFIG_REFERENCE_UNKNOWN */
export function resolveReferences(section: unknown, sources: ReferenceSources): unknown {
  if (typeof section === "string") return resolveText(section, sources);
  if (Array.isArray(section)) return section.map((item) => resolveReferences(item, sources));
  if (section !== null && typeof section === "object")
    return Object.fromEntries(Object.entries(section).map(([key, value]) => [key, resolveReferences(value, sources)]));
  return section;
}

/** Accepts every reference with a harmless value, so that a section can be checked against its schema before the real ones exist. */
export const placeholderSources: ReferenceSources = {
  secret: (name) => (name.endsWith(KEY) ? "0".repeat(32) : "placeholder"),
  simPort: (name) => (name.endsWith(THUMBPRINT) ? "0".repeat(40) : 1),
};

/** A copy of a profile's section with every `${name}` filled in. @throws CONFIG_REFERENCE_UNKNOWN */
export function fillParameters<T>(section: T, parameters: Readonly<Record<string, string>>): T {
  const fill = (value: unknown): unknown => {
    if (typeof value === "string")
      return value.replace(PARAMETER, (_, name: string) => must(parameters[name], `parameter "${name}"`));
    if (Array.isArray(value)) return value.map(fill);
    if (value !== null && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner)]));
    return value;
  };
  return fill(section) as T;
}
