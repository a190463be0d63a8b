import type { TFunction } from "i18next";
import type { NotifyTarget, PositionEscalation } from "#core/contracts/notify.ts";
import { escalationText } from "./escalation-text.ts";
import type { VersionWords } from "./version-changes.ts";
import { weekday } from "./weekday.ts";

/** Names of what a document names by id; undefined: it is not known any more. */
export interface VersionNames {
  place(space: string): string | undefined;
  contact(id: string): string | undefined;
  channel(id: string): string | undefined;
  position(id: string): string | undefined;
}

/** The texts, and whether there is one. */
export interface VersionTexts {
  readonly t: TFunction;
  exists(key: string): boolean;
}

/** Where the words for the values of a field are. */
const BRANCHES: Readonly<Record<string, string>> = {
  priorities: "alarm.priority",
  categories: "alarm.category",
  laws: "alarm.law",
  on: "notify.ons",
  language: "notify.languages",
  security: "notify.securities",
  flavour: "notify.flavours",
  type: "notify.types",
};

/** Fields whose word in the forms has another name. */
const RENAMED: Readonly<Record<string, string>> = {
  escalateMinutes: "escalateAfter",
  tooLateMinutes: "tooLate",
};

/** Fields inside of others: their words are not those of an object's own. */
const INSIDE: Readonly<Record<string, string>> = { from: "from_", contacts: "people", channels: "channelChain" };

function isTarget(value: unknown): value is NotifyTarget {
  return typeof value === "object" && value !== null && "type" in value;
}

/** Says the fields and values of notification documents as the forms say them. */
export function versionWords({ t, exists }: VersionTexts, names: VersionNames): VersionWords {
  const word = (key: string): string | undefined => (exists(key) ? t(key as "notify.name") : undefined);
  const nameOf: Readonly<Record<string, (id: string) => string | undefined>> = {
    areas: names.place,
    contacts: names.contact,
    otherwise: names.contact,
    channels: names.channel,
    position: names.position,
  };
  const target = (to: NotifyTarget): string => {
    if (to.type === "onCall") return t("notify.targetOnCall", { name: names.position(to.position) ?? to.position });
    if (to.type === "group") return t("notify.targetGroup", { name: to.group });
    return names.contact(to.contact) ?? to.contact;
  };
  const text = (field: string, value: string): string | undefined => {
    const branch = BRANCHES[field];
    return branch === undefined ? nameOf[field]?.(value) : word(`${branch}.${value}`);
  };
  return {
    value(field, value) {
      if (typeof value === "boolean") return t(value ? "notify.yes" : "notify.no");
      if (typeof value === "string") return text(field, value);
      if (field === "days" && typeof value === "number") return t(`notify.weekday.${weekday(value)}`);
      if (field === "escalateMinutes") return escalationText(value as PositionEscalation, t) || t("notify.asTheHub");
      return field === "to" && isTarget(value) ? target(value) : undefined;
    },
    inner(field, value) {
      if (field === "to") return t(typeof value === "string" ? "notify.to_" : "notify.people");
      return word(`notify.${INSIDE[field] ?? field}`) ?? word(`notify.chats.${field}`) ?? field;
    },
  };
}

/** The word for a field of an object's own; undefined: there is none. */
export function fieldWord(kind: string, field: string, { t, exists }: VersionTexts): string | undefined {
  const key = `notify.${kind === "channels" && field === "user" ? "account" : (RENAMED[field] ?? field)}`;
  return exists(key) ? t(key as "notify.name") : undefined;
}
