import type { NotifyKind, NotifyObjects, NotifyTarget, OnCallView } from "#core/contracts/notify.ts";
import type { KeptView } from "../../api/notify-api.ts";

/** Everything that is set up, as loaded. */
export type NotifyData = { readonly [K in NotifyKind]: readonly KeptView<K>[] } & {
  readonly onCall: readonly OnCallView[];
};

/** What each tab is given. */
export interface PaneProps {
  readonly data: NotifyData;
  readonly onChanged: () => void;
}

/** A value of a form without what was left empty: the API refuses empty texts where a field is optional. */
export function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .filter(([, one]) => one !== undefined && one !== null && one !== "")
    .map(([key, one]): [string, unknown] => [key, withoutEmpty(one)])
    .filter(([key, one]) => key !== "chatIds" || Object.keys(one as object).length > 0);
  return Object.fromEntries(kept);
}

/** A target as one word of a list, and back. */
export function targetKey(target: NotifyTarget): string {
  switch (target.type) {
    case "onCall":
      return `onCall:${target.position}`;
    case "contact":
      return `contact:${target.contact}`;
    case "group":
      return `group:${target.group}`;
    default:
      return target satisfies never;
  }
}

/** The target of such a word. */
export function targetOf(key: string): NotifyTarget {
  const [type, ...rest] = key.split(":");
  const id = rest.join(":");
  if (type === "onCall") return { type, position: id };
  if (type === "group") return { type, group: id };
  return { type: "contact", contact: id };
}

/** An object as a list to choose from, by name. */
export function choices<K extends "positions" | "contacts" | "channels">(
  kept: readonly KeptView<K>[],
): { readonly value: string; readonly label: string }[] {
  return kept.map(({ id, document }) => ({ value: id, label: (document as NotifyObjects[K] & { name: string }).name }));
}

/** Groups that contacts belong to. */
export function groupsOf({ contacts }: NotifyData): readonly string[] {
  return [...new Set(contacts.flatMap(({ document }) => document.groups))].sort();
}
