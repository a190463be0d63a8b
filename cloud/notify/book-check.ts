import type { NotifyKind, NotifyObjects, NotifyRota, NotifyRule } from "#core/contracts/notify.ts";
import type { NotifyChannel } from "#core/contracts/notify-channel.ts";
import { NotifyError } from "./errors.ts";

/** What an object may refer to. */
export interface Known {
  readonly knowsSpace: (space: string) => boolean;
  readonly knowsUser: (user: string) => boolean;
  readonly has: (kind: NotifyKind, id: string) => boolean;
}

type Reference = readonly [what: string, id: string, known: boolean];

/** Schemas see each field by itself; this sees what must fit together. @throws NOTIFY_REFERENCE_UNKNOWN, NOTIFY_INVALID */
export function checkObject(
  { kind, id, document }: { kind: NotifyKind; id: string; document: NotifyObjects[NotifyKind] },
  known: Known,
): void {
  const wrong = referencesOf(kind, id, document, known).find(([, , is]) => !is);
  if (wrong !== undefined)
    throw new NotifyError("NOTIFY_REFERENCE_UNKNOWN", `${kind}/${id}: there is no ${wrong[0]} ${wrong[1]}`);
  const fault = faultOf(kind, document);
  if (fault !== undefined) throw new NotifyError("NOTIFY_INVALID", `${kind}/${id}: ${fault}`);
}

function referencesOf(
  kind: NotifyKind,
  id: string,
  document: NotifyObjects[NotifyKind],
  { knowsSpace, knowsUser, has }: Known,
): readonly Reference[] {
  const of = (what: NotifyKind, ids: readonly string[]): Reference[] => ids.map((one) => [what, one, has(what, one)]);
  switch (kind) {
    case "positions":
      return (document as NotifyObjects["positions"]).areas.map((area) => ["space", area, knowsSpace(area)]);
    case "contacts": {
      const { user } = document as NotifyObjects["contacts"];
      return user === undefined ? [] : [["user", user, knowsUser(user)]];
    }
    case "rotas":
      return [...of("positions", [id]), ...of("contacts", contactsOf(document as NotifyRota))];
    case "channels":
      return [];
    case "rules": {
      const { position, steps } = document as NotifyRule;
      const targets = steps.flatMap(({ to }) => to);
      return [
        ...of("positions", [position, ...targets.flatMap((to) => (to.type === "onCall" ? [to.position] : []))]),
        ...of(
          "contacts",
          targets.flatMap((to) => (to.type === "contact" ? [to.contact] : [])),
        ),
        ...of(
          "channels",
          steps.flatMap(({ channels }) => channels),
        ),
      ];
    }
    default:
      return kind satisfies never;
  }
}

function contactsOf({ slots, overrides, otherwise }: NotifyRota): readonly string[] {
  return [...otherwise, ...slots.flatMap(({ contacts }) => contacts), ...overrides.flatMap(({ contacts }) => contacts)];
}

function faultOf(kind: NotifyKind, document: NotifyObjects[NotifyKind]): string | undefined {
  if (kind === "rotas") {
    const empty = (document as NotifyRota).overrides.find(({ from, to }) => from >= to);
    return empty && `an override ends (${empty.to}) before it begins (${empty.from})`;
  }
  if (kind === "rules") {
    const { steps } = document as NotifyRule;
    const back = steps.find((step, i) => step.afterMinutes < (steps[i - 1]?.afterMinutes ?? 0));
    return back && `a step after ${back.afterMinutes} min follows a later one`;
  }
  if (kind === "channels") return channelFault(document as NotifyChannel);
  return undefined;
}

/** Headers that carry the message itself: a channel that sets them would break what the receiver checks. */
const OWN_HEADERS = /^(content-length|content-type|host|connection|transfer-encoding|idempotency-key|x-parkhub-.*)$/i;

function channelFault(channel: NotifyChannel): string | undefined {
  if (channel.type === "webhook" || channel.type === "sms") {
    const url = URL.parse(channel.url);
    if (url === null) return "url: expected http(s)://host/...";
    if (url.username !== "" || url.password !== "") return "url: expected no user and password, they would be shown";
    if (/[{}]/.test(url.hostname)) return "url: expected no placeholder in the host";
    const own = Object.keys(channel.headers ?? {}).find((name) => OWN_HEADERS.test(name));
    if (own !== undefined) return `headers: ${own} is set by the hub`;
  }
  if (channel.type === "email" && channel.user !== undefined && channel.security === "none")
    return "security: a password is not sent without TLS";
  return undefined;
}
