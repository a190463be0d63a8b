import {
  AttributeIds,
  DataType,
  type DataValue,
  type EndpointDescription,
  LocalizedText,
  MessageSecurityMode,
  NodeId,
} from "node-opcua";
import type { Clock } from "#core/clock.ts";
import type { DiscoveredDevice, DiscoveredPoint, Discovery } from "#core/contracts/discovery.ts";
import { errorMessage } from "#core/errors.ts";
import { browseVariables, type FoundVariable, VARIABLE_ATTRIBUTES } from "./browsing.ts";
import { unitOfEuInformation } from "./codec/units.ts";
import { asking, type Connection, type ConnectionDeps, leafOf } from "./connection.ts";
import { nodeText } from "./node-ids.ts";
import { thumbprintOf } from "./pki.ts";
import { type Asked, readMany, type ServerFacts } from "./server-facts.ts";
import { SECURITY_POLICIES, type SecurityPolicyName } from "./vocabulary.ts";
import { builtIn } from "./write.ts";

/** Access level bits. [OPC 10000-3 §8.57] */
const CURRENT_READ = 1;
const CURRENT_WRITE = 2;
/** What may be a scalar has a rank below it: Scalar, Any, ScalarOrOneDimension. [OPC 10000-3 §5.6.2] */
const ARRAY_RANK = 0;
const LONGEST_SLOT = 64;
const MOST_SERVERS = 20;
const MOST_STATES = 200;
/** Properties that say what a value means. [OPC 10000-8 §5.3] */
const MEANINGS = ["EngineeringUnits", "EnumStrings", "EnumValues", "TrueState", "FalseState"] as const;
type Meaning = (typeof MEANINGS)[number];

type State = NonNullable<DiscoveredPoint["states"]>[number];
type Kind = DiscoveredPoint["kind"];

const KINDS: Readonly<Partial<Record<DataType, Kind>>> = {
  [DataType.Boolean]: "boolean",
  [DataType.SByte]: "number",
  [DataType.Byte]: "number",
  [DataType.Int16]: "number",
  [DataType.UInt16]: "number",
  [DataType.Int32]: "number",
  [DataType.UInt32]: "number",
  [DataType.Int64]: "number",
  [DataType.UInt64]: "number",
  [DataType.Float]: "number",
  [DataType.Double]: "number",
  [DataType.String]: "string",
  [DataType.DateTime]: "string",
  [DataType.LocalizedText]: "string",
  [DataType.QualifiedName]: "string",
  [DataType.Guid]: "string",
};

/** The points that a server offers. @throws OPCUA_FAULT, OPCUA_TIMEOUT, OPCUA_UNREACHABLE */
export async function discoverPoints(connection: Connection, facts: ServerFacts, clock: Clock): Promise<Discovery> {
  const { variables, problems } = await browseVariables(connection, facts);
  const asked = variables.flatMap(({ nodeId }) => VARIABLE_ATTRIBUTES.map((attributeId) => ({ nodeId, attributeId })));
  const attributes = await readMany(connection, asked, facts);
  const meanings = await readMeanings(connection, variables, facts);
  const kinds = new Map<string, Kind | undefined>();
  const slots = new Set<string>();
  const points: DiscoveredPoint[] = [];
  for (const [at, variable] of variables.entries()) {
    const [type, access, rank] = attributes.slice(at * VARIABLE_ATTRIBUTES.length).map(contentOf);
    if (typeof rank !== "number" || rank >= ARRAY_RANK || typeof access !== "number" || (access & CURRENT_READ) === 0)
      continue;
    const kind = await kindOf(type, kinds, connection);
    if (kind === undefined) continue;
    points.push(pointOf(variable, kind, (access & CURRENT_WRITE) !== 0, meanings[at] ?? {}, slots, facts));
  }
  return { at: clock.now(), devices: [], points, problems: [...problems] };
}

function contentOf(data: DataValue | undefined): unknown {
  return data?.value?.value;
}

async function kindOf(
  type: unknown,
  kinds: Map<string, Kind | undefined>,
  connection: Connection,
): Promise<Kind | undefined> {
  if (!(type instanceof NodeId)) return undefined;
  const key = type.toString();
  if (!kinds.has(key)) {
    const found = await builtIn(type, connection);
    kinds.set(key, found === undefined ? undefined : KINDS[found]);
  }
  return kinds.get(key);
}

type Meanings = Partial<Record<Meaning, unknown>>;

async function readMeanings(
  connection: Connection,
  variables: readonly FoundVariable[],
  facts: ServerFacts,
): Promise<readonly Meanings[]> {
  const asked: Asked[] = [];
  const places: (readonly [number, Meaning])[] = [];
  for (const [at, { properties }] of variables.entries()) {
    for (const meaning of MEANINGS) {
      const nodeId = properties.get(meaning);
      if (nodeId === undefined) continue;
      asked.push({ nodeId, attributeId: AttributeIds.Value });
      places.push([at, meaning]);
    }
  }
  const values = await readMany(connection, asked, facts);
  const all: Meanings[] = variables.map(() => ({}));
  for (const [place, [at, meaning]] of places.entries()) {
    const one = all[at];
    if (one !== undefined) one[meaning] = contentOf(values[place]);
  }
  return all;
}

function pointOf(
  { nodeId, name, path }: FoundVariable,
  kind: Kind,
  writable: boolean,
  meanings: Meanings,
  slots: Set<string>,
  { namespaces }: ServerFacts,
): DiscoveredPoint {
  const states = statesOf(meanings);
  const unit = kind === "number" ? unitOf(meanings.EngineeringUnits) : undefined;
  const isEnum = kind === "number" && states.length > 0;
  return {
    id: slotOf(path.length === 0 ? [name] : [...path.slice(-1), name], slots),
    name,
    nameEn: name,
    kind: isEnum ? "enum" : kind,
    ...(unit === undefined || isEnum ? {} : { unit }),
    ...(states.length > 0 && (isEnum || kind === "boolean") ? { states: [...states] } : {}),
    writable,
    address: { nodeId: nodeText(nodeId, namespaces) },
  };
}

function unitOf(information: unknown): string | undefined {
  const { unitId }: { unitId?: unknown } = Object(information);
  return typeof unitId === "number" ? unitOfEuInformation(unitId) : undefined;
}

function statesOf({ EnumStrings, EnumValues, TrueState, FalseState }: Meanings): readonly State[] {
  const state = (value: number, text: string | null): State => ({
    value,
    name: text === null || text === "" ? `${value}` : text,
    nameEn: text === null || text === "" ? `${value}` : text,
  });
  if (FalseState instanceof LocalizedText && TrueState instanceof LocalizedText) {
    return [state(0, FalseState.text), state(1, TrueState.text)];
  }
  if (Array.isArray(EnumStrings)) {
    const texts = EnumStrings.slice(0, MOST_STATES).filter((one) => one instanceof LocalizedText);
    return texts.map((one, value) => state(value, one.text));
  }
  if (!Array.isArray(EnumValues)) return [];
  return EnumValues.slice(0, MOST_STATES).flatMap((one: unknown) => {
    const { value, displayName }: { value?: unknown; displayName?: unknown } = Object(one);
    const number = Array.isArray(value) ? Number(value[1]) : value;
    if (typeof number !== "number" || !(displayName instanceof LocalizedText)) return [];
    return [state(number, displayName.text)];
  });
}

/** An id made of names: letters, digits, `_`, `.`, `-`; unique among those given out. */
function slotOf(names: readonly string[], slots: Set<string>): string {
  const plain = names
    .join(".")
    .replaceAll(/[^A-Za-z0-9_.-]+/g, "-")
    .replaceAll(/^[-.]+|[-.]+$/g, "")
    .slice(0, LONGEST_SLOT - 5);
  const base = plain === "" ? "point" : plain;
  let slot = base;
  for (let number = 2; slots.has(slot); number++) slot = `${base}-${number}`;
  slots.add(slot);
  return slot;
}

/** The servers that can be found at these URLs, with what a device's section needs. Never throws: what failed is among the problems. */
export async function discoverServers(
  urls: readonly string[],
  deps: ConnectionDeps,
  signal: AbortSignal,
): Promise<Discovery> {
  const problems: string[] = [];
  const devices = new Map<string, DiscoveredDevice>();
  const open = [...new Set(urls)];
  for (let at = 0; at < open.length && at < MOST_SERVERS && !signal.aborted; at++) {
    const url = open[at] ?? "";
    try {
      await asking(url, deps, signal, async (client) => {
        const servers = await client.findServers();
        open.push(...servers.flatMap(({ discoveryUrls }) => newUrls(discoveryUrls ?? [], open)));
        const endpoints = await client.getEndpoints();
        // the one that hides most comes first
        for (const endpoint of endpoints.sort((a, b) => b.securityMode - a.securityMode)) {
          const device = deviceOf(url, endpoint);
          if (device !== undefined && !devices.has(device.identity)) devices.set(device.identity, device);
        }
      });
    } catch (error) {
      problems.push(`${url}: ${errorMessage(error)}`);
    }
  }
  return { at: deps.clock.now(), devices: [...devices.values()], points: [], problems };
}

function newUrls(found: readonly (string | null)[], open: readonly string[]): readonly string[] {
  return found.filter((url): url is string => url?.startsWith("opc.tcp://") === true && !open.includes(url));
}

/** The server of an endpoint; undefined where its security is none that is still held for secure. */
function deviceOf(url: string, endpoint: EndpointDescription): DiscoveredDevice | undefined {
  const { applicationUri, applicationName, productUri } = endpoint.server;
  const policy = endpoint.securityPolicyUri?.split("#")[1] ?? "";
  if (!SECURITY_POLICIES.includes(policy as SecurityPolicyName)) return undefined;
  const identity = applicationUri ?? url;
  return {
    identity,
    name: applicationName.text ?? identity,
    ...(productUri === null || productUri === "" ? {} : { model: productUri }),
    config: {
      endpointUrl: url,
      securityMode: MessageSecurityMode[endpoint.securityMode],
      securityPolicy: policy,
      applicationUri: identity,
      serverThumbprint: thumbprintOf(leafOf(endpoint.serverCertificate)),
    },
  };
}
