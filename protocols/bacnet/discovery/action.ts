import type { Clock } from "#core/clock.ts";
import type { Discovery } from "#core/contracts/discovery.ts";
import { errorCode, errorMessage, HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";
import type { ActionRequest, ActionResult } from "../../driver.ts";
import type { Learned } from "../client/abilities.ts";
import type { Peer } from "../codec/frame.ts";
import type { Counters } from "../counters.ts";
import type { Destination, Station } from "../station/ports.ts";
import { compareScans, mergedScan } from "./compare.ts";
import { NAMING_PROPERTIES } from "./device-facts.ts";
import { peerOfText, peerText } from "./peer-text.ts";
import { deviceOf, pointsOf } from "./point-list.ts";
import { type DeviceScan, readFacts, scanDevice } from "./scan.ts";
import { ScanStore } from "./scan-store.ts";
import { type FoundDevice, type Hear, HIGHEST_INSTANCE, searchDevices } from "./search.ts";

/** A configured device, as a search needs it. */
export interface KnownDevice {
  readonly instance: number;
  /** Where it is in touch now, or is configured to be. */
  readonly peer: Peer | undefined;
}

/** What the action `discover` of a driver works on. */
export interface DiscoverDeps {
  readonly station: Station;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly hear: Hear;
  /** The channel's folder. */
  readonly folder: string;
  /** How long answers are waited for, ms. */
  readonly waitMs: number;
  readonly known: readonly KnownDevice[];
  learned(instance: number): Learned | undefined;
}

/** The cloud waits two minutes for a search; what was found until then is better than nothing. */
const LONGEST_MS = 100_000;
const MOST_NAMED = 1000;
const NAMED_AT_ONCE = 8;
const HIGHEST_NET = 65_534;

/** One device or one network is asked by one question. */
const WHOLE = { slice: HIGHEST_INSTANCE + 1 };

type Params = ActionRequest["params"];

/**
 * Searches the channel's networks for devices, or one device for points. Parameters of a channel's search: `low` and `high`
 * instance, `to` (an address as `peerText` writes it) or `network` (DNET) in the place of broadcasts; `instance` gives the points
 * of a device that is not configured yet. `fresh` true reads everything even where the Database_Revision is the same.
 */
export async function discover(
  known: KnownDevice | undefined,
  params: Params,
  deps: DiscoverDeps,
  signal: AbortSignal,
): Promise<ActionResult> {
  const ending = new AbortController();
  const cancel = deps.clock.after(LONGEST_MS, () => ending.abort());
  const until = AbortSignal.any([signal, ending.signal]);
  try {
    const wanted = known?.instance ?? integerOf(params, "instance");
    const configured = known ?? deps.known.find(({ instance }) => instance === wanted);
    const found =
      wanted === undefined
        ? await searchChannel(params, deps, until)
        : await searchDevice(wanted, configured, params, deps, until);
    if (found === undefined) {
      return { status: "failed", code: "BACNET_OFFLINE", message: `device ${wanted} does not answer Who-Is` };
    }
    const bytes = new TextEncoder().encode(JSON.stringify(found));
    return { status: "done", blob: { contentType: "application/json", bytes } };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return { status: "rejected", code: errorCode(error), message: errorMessage(error) };
  } finally {
    cancel();
  }
}

async function searchChannel(params: Params, deps: DiscoverDeps, signal: AbortSignal): Promise<Discovery> {
  const { clock, waitMs, known } = deps;
  const low = integerOf(params, "low");
  const high = integerOf(params, "high");
  const one = placesOf(params);
  const places = one ?? [{ broadcast: "global" as const }, ...known.flatMap(({ peer }) => peer ?? [])];
  const { devices, problems } = await searchDevices(
    {
      to: places,
      waitMs,
      ...(one === undefined ? {} : WHOLE),
      ...(low === undefined ? {} : { low }),
      ...(high === undefined ? {} : { high }),
    },
    { ...deps, signal },
  );
  const named: DeviceScan[] = [];
  const trouble: string[] = [...problems];
  let next = 0;
  const name = async (): Promise<void> => {
    while (next < devices.length && next < MOST_NAMED && !signal.aborted) {
      const device = devices[next];
      next += 1;
      if (device === undefined) return;
      const facts = await readFacts(device, scanDepsOf(device, deps, signal), NAMING_PROPERTIES);
      if (facts === undefined && !signal.aborted)
        trouble.push(`device ${device.instance} at ${peerText(device.peer)} does not answer`);
      named.push(bare(device, facts ?? { services: [], objectTypes: [] }, clock.now()));
    }
  };
  await Promise.all(Array.from({ length: NAMED_AT_ONCE }, name));
  for (const device of devices.slice(next)) named.push(bare(device, { services: [], objectTypes: [] }, clock.now()));
  if (signal.aborted) trouble.push("the search was ended before all devices were asked for their names");
  for (const { instance, peer, alsoAt } of devices) {
    for (const other of alsoAt)
      trouble.push(
        `device ${instance} answers at ${peerText(peer)} and at ${peerText(other)}: two devices have the same instance`,
      );
  }
  named.sort((a, b) => a.instance - b.instance);
  return { at: clock.now(), devices: named.map(deviceOf), points: [], problems: trouble };
}

async function searchDevice(
  instance: number,
  known: KnownDevice | undefined,
  params: Params,
  deps: DiscoverDeps,
  signal: AbortSignal,
): Promise<Discovery | undefined> {
  const to = placesOf(params) ?? (known?.peer === undefined ? [{ broadcast: "global" as const }] : [known.peer]);
  const search = { to, low: instance, high: instance, waitMs: deps.waitMs, enough: 1 };
  const { devices } = await searchDevices(search, { ...deps, signal });
  const [device] = devices;
  if (device === undefined) return undefined;
  const store = new ScanStore(deps.folder, deps.logger);
  const before = store.load(instance);
  const reuse = before !== undefined && params["fresh"] !== true ? { earlier: before } : {};
  const scan = await scanDevice(device, { ...scanDepsOf(device, deps, signal), ...reuse });
  store.save(mergedScan(before, scan));
  return {
    at: scan.at,
    devices: [deviceOf(scan)],
    points: [...pointsOf(scan)],
    problems: [...scan.problems],
    ...(before === undefined ? {} : { changes: plainChanges(before, scan) }),
  };
}

function plainChanges(before: DeviceScan, scan: DeviceScan): NonNullable<Discovery["changes"]> {
  const { since, added, missing, renamed, changed } = compareScans(before, scan);
  return { since, added: [...added], missing: [...missing], renamed: [...renamed], changed: [...changed] };
}

function scanDepsOf({ instance }: FoundDevice, deps: DiscoverDeps, signal: AbortSignal) {
  const { station, clock, counters } = deps;
  const learned = deps.learned(instance);
  return { station, clock, counters, signal, ...(learned === undefined ? {} : { learned }) };
}

/** A device of which only the Device object was asked. */
function bare(device: FoundDevice, facts: DeviceScan["facts"], at: number): DeviceScan {
  const { instance, peer, alsoAt, maxApdu, segmentation, vendorId } = device;
  const places = { address: peerText(peer), alsoAt: alsoAt.map(peerText) };
  return {
    at,
    instance,
    ...places,
    maxApdu,
    segmentation,
    vendorId,
    facts,
    objects: [],
    complete: false,
    problems: [],
  };
}

/** @throws BACNET_ADDRESS_INVALID, BACNET_PARAMETER_INVALID */
function placesOf(params: Params): readonly Destination[] | undefined {
  const to = params["to"];
  const network = integerOf(params, "network");
  if (typeof to === "string") return [peerOfText(to)];
  if (network === undefined) return undefined;
  if (network >= 1 && network <= HIGHEST_NET) return [{ broadcast: network }];
  const expected = `expected in "network" the number of a network, 1 to ${HIGHEST_NET}`;
  throw new HubError("BACNET_PARAMETER_INVALID", `${expected}, got ${network}`);
}

/** @throws BACNET_PARAMETER_INVALID */
function integerOf(params: Params, name: string): number | undefined {
  const value = params[name];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw new HubError("BACNET_PARAMETER_INVALID", `expected in "${name}" a whole number, got ${JSON.stringify(value)}`);
}
