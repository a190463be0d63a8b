import type { NotifyVersion } from "#core/contracts/notify.ts";

/** A field that differs between two versions, as text; undefined: it was not there. */
export interface VersionChange {
  readonly field: string;
  readonly old: string | undefined;
  readonly now: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(document: unknown): Fields {
  return typeof document === "object" && document !== null ? (document as Fields) : {};
}

/** How values are said. */
export interface VersionWords {
  /** The word for a value of a field, an item of its list too; undefined: it is said as it is. */
  value(field: string, value: unknown): string | undefined;
  /** The word for a field inside of another. */
  inner(field: string, value: unknown): string;
}

/** A value of a field of a document as one line. */
export function versionValue(field: string, value: unknown, words: VersionWords): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value))
    return value.length === 0 ? "–" : value.map((one) => versionValue(field, one, words) ?? "–").join("; ");
  const said = words.value(field, value);
  if (said !== undefined) return said;
  if (typeof value === "object")
    return Object.entries(value)
      .map(([key, one]) => `${words.inner(key, one)} ${versionValue(key, one, words) ?? "–"}`)
      .join(", ");
  return String(value);
}

/** What differs between two states of an object, field by field; null: there is none. */
export function versionChanges(before: unknown, after: unknown, words: VersionWords): readonly VersionChange[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .filter((field) => JSON.stringify(old[field]) !== JSON.stringify(now[field]))
    .map((field) => ({
      field,
      old: versionValue(field, old[field], words),
      now: versionValue(field, now[field], words),
    }))
    .filter((change) => change.old !== undefined || change.now !== undefined);
}

/** The version before, among those that are known; undefined: it is not among them. */
export function versionBefore(of: NotifyVersion, known: readonly NotifyVersion[]): NotifyVersion | undefined {
  return known
    .filter(({ kind, id, version }) => kind === of.kind && id === of.id && version < of.version)
    .toSorted((a, b) => b.version - a.version)[0];
}

/** The name that an object goes by in a version, or in the one before where it was removed, in a language where it has one. */
export function versionName(
  { id, document }: { readonly id: string; readonly document: unknown },
  before: { readonly document: unknown } | undefined,
  language: "zh-CN" | "en",
): string {
  const { name, nameEn } = fieldsOf(document ?? before?.document);
  const shown = language === "en" && typeof nameEn === "string" && nameEn !== "" ? nameEn : name;
  return typeof shown === "string" && shown !== "" ? shown : id;
}
