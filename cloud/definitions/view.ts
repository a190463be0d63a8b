import { lawOf } from "#core/alarm/law.ts";
import type { DefinitionProposal, DefinitionView } from "#core/contracts/definitions.ts";
import type { AlarmDefinition } from "#core/model/alarm.ts";
import type { SiteCatalog } from "../ports.ts";
import { iso } from "../time.ts";
import { areaOfDefinition } from "./check.ts";
import type { LastChange } from "./store.ts";

/** The site as this domain reads and changes it. Implemented by cloud/site. */
export interface DefinitionCatalog
  extends Pick<SiteCatalog, "version" | "device" | "point" | "zones" | "spaces" | "gateways" | "bundle" | "rules"> {
  alarms(): readonly AlarmDefinition[];
  definition(id: string): AlarmDefinition | undefined;
  /** Profiles that definitions were seeded from, by the definition's id. */
  alarmProfiles(): Readonly<Record<string, string>>;
  /** A new version of the site; `also` runs in its transaction. @throws SITE_VERSION_STALE */
  setAlarms(
    alarms: readonly AlarmDefinition[],
    who: { readonly actor: string; readonly reason: string },
    also: (version: number) => void,
  ): void;
}

type Last = ReadonlyMap<string, LastChange>;
type Pending = ReadonlyMap<string, DefinitionProposal>;

/** Ids of the linkage rules that wait for this definition by name. */
export function rulesOf(id: string, catalog: Pick<DefinitionCatalog, "rules">): string[] {
  return catalog
    .rules()
    .filter(({ when }) => "definition" in when && when.definition === id)
    .map((rule) => rule.id);
}

/** All definitions that stand, in the order of the configuration. */
export function definitionViews(catalog: DefinitionCatalog, last: Last, pending: Pending): readonly DefinitionView[] {
  const on = runsOn(catalog);
  return catalog.alarms().map((one) => view(one, catalog, last.get(one.id), pending.get(one.id), on));
}

/** One definition, also one that is retired: as it was last. */
export function definitionView(
  id: string,
  catalog: DefinitionCatalog,
  last: Last,
  pending: Pending,
): DefinitionView | undefined {
  const definition = catalog.definition(id) ?? last.get(id)?.before;
  return definition && view(definition, catalog, last.get(id), pending.get(id), runsOn(catalog));
}

/** Gateways that judge a definition, by its id: those in whose bundle it is. */
function runsOn(catalog: DefinitionCatalog): ReadonlyMap<string, readonly string[]> {
  const pairs = catalog
    .gateways()
    .flatMap(({ id }) => (catalog.bundle(id)?.bundle.alarms ?? []).map((alarm) => [alarm.id, id] as const));
  return new Map([...Map.groupBy(pairs, ([alarm]) => alarm)].map(([alarm, on]) => [alarm, on.map(([, id]) => id)]));
}

function view(
  definition: AlarmDefinition,
  catalog: DefinitionCatalog,
  last: LastChange | undefined,
  pending: DefinitionProposal | undefined,
  on: ReadonlyMap<string, readonly string[]>,
): DefinitionView {
  const { id, category, enabled = true } = definition;
  const profile = catalog.alarmProfiles()[id];
  const area = areaOfDefinition(definition, catalog);
  return {
    definition,
    law: lawOf(category),
    enabled,
    retired: catalog.definition(id) === undefined,
    revision: last?.revision ?? 1,
    origin: last?.byConsole === true ? "console" : profile === undefined ? "site" : "profile",
    ...(profile === undefined ? {} : { profile }),
    runsOn: [...(on.get(id) ?? [])],
    ...(area === undefined ? {} : { area }),
    rules: rulesOf(id, catalog),
    ...(last === undefined ? {} : { changedAt: iso(last.at), changedBy: last.actor }),
    ...(pending === undefined ? {} : { pending }),
  };
}
