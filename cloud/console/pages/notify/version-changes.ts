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

/** A value of a document as one line. */
export function versionValue(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? "–" : value.map((one) => versionValue(one) ?? "–").join("; ");
  if (typeof value === "object")
    return Object.entries(value)
      .map(([key, one]) => `${key} ${versionValue(one) ?? "–"}`)
      .join(", ");
  return String(value);
}

/** What differs between two states of an object, field by field; null: there is none. */
export function versionChanges(before: unknown, after: unknown): readonly VersionChange[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])]
    .map((field) => ({ field, old: versionValue(old[field]), now: versionValue(now[field]) }))
    .filter((change) => change.old !== change.now);
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
