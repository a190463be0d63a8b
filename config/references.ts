import { InvalidInputError } from "#core/errors.ts";

/** Where references are looked up. Each returns undefined for an unknown name. */
export interface ReferenceSources {
  /** `secret:<name>`: a whole text value. */
  readonly secret: (name: string) => string | undefined;
  /** `${sim:<name>}`: the port of a simulated device; a whole value becomes a number, inside a text its digits. */
  readonly simPort: (name: string) => number | undefined;
}

const SIM = /\$\{sim:([A-Za-z0-9_.-]+)\}/g;
const SECRET = /^secret:([A-Za-z0-9_.-]+)$/;

function must<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new InvalidInputError("CONFIG_REFERENCE_UNKNOWN", `${what} is not known here`);
}

function resolveText(text: string, sources: ReferenceSources): string | number {
  const secret = SECRET.exec(text)?.[1];
  if (secret !== undefined) return must(sources.secret(secret), `secret "${secret}"`);
  const port = (name: string): number => must(sources.simPort(name), `simulated device "${name}"`);
  const whole = /^\$\{sim:([A-Za-z0-9_.-]+)\}$/.exec(text)?.[1];
  if (whole !== undefined) return port(whole);
  return text.replace(SIM, (_, name: string) => String(port(name)));
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
export const placeholderSources: ReferenceSources = { secret: () => "placeholder", simPort: () => 1 };
