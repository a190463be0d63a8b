import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { buildSystemDateAndTime } from "#protocols/onvif/codec/time.ts";
import { escapeXml } from "#protocols/onvif/codec/xml.ts";
import { answer, type Operations, SERVICE_PATHS, type Service, type ServiceRequest } from "./service.ts";

/** Who a device says that it is. */
export interface DeviceFacts {
  readonly model: string;
  readonly serialNumber: string;
  /** Its endpoint reference, `urn:uuid:...`: the same for ever. */
  readonly endpoint: string;
  /** Kinds in a probe match, with the prefixes `dn` and `tds`. */
  readonly types: string;
  readonly scopes: readonly string[];
}

/** What an operation of a service needs to know of it. */
export interface DeviceContext {
  readonly facts: DeviceFacts;
  /** The device's own clock, Unix ms. */
  readonly deviceNow: () => number;
  readonly httpDigestOnly: () => boolean;
  /** Relay outputs that the device service tells too, as it did before there was DeviceIO. [ONVIF Core 8.6] */
  readonly relays?: Operations;
}

/** [ONVIF Core 8.1.2.4] the old way to find the services; what came later is not in it. */
function oldCapabilities(services: readonly Service[], addressOf: ServiceRequest["addressOf"]): string {
  const more: Readonly<Record<string, string>> = {
    Events:
      "<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport><tt:WSPullPointSupport>true</tt:WSPullPointSupport>" +
      "<tt:WSPausableSubscriptionManagerInterfaceSupport>false</tt:WSPausableSubscriptionManagerInterfaceSupport>",
    Media:
      "<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>true</tt:RTP_TCP>" +
      "<tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP></tt:StreamingCapabilities>",
  };
  const byName = new Map(services.map((service) => [service.name, service]));
  // [ONVIF schema, Capabilities] the order of the elements is fixed
  return ["Device", "Events", "Imaging", "Media", "PTZ"]
    .filter((name) => byName.has(name))
    .map((name) => {
      const address = escapeXml(addressOf("services", byName.get(name)?.path ?? ""));
      return `<tt:${name}><tt:XAddr>${address}</tt:XAddr>${more[name] ?? ""}</tt:${name}>`;
    })
    .join("");
}

function advertised(services: readonly Service[]): readonly Service[] {
  // The subscription manager is reached by the address of a subscription and by no other way.
  return services.filter(({ name }) => name !== "Subscription");
}

function deviceCapabilities(context: DeviceContext): string {
  const token = !context.httpDigestOnly();
  return (
    '<tds:Capabilities><tds:Network IPFilter="false" ZeroConfiguration="false" IPVersion6="false" DynDNS="false"/>' +
    `<tds:Security UsernameToken="${token}" HttpDigest="true" RELToken="false"/>` +
    '<tds:System DiscoveryResolve="true" DiscoveryBye="true" RemoteDiscovery="false" SystemBackup="false" ' +
    'SystemLogging="false"/></tds:Capabilities>'
  );
}

/** Device management service. [ONVIF Core 8] `others` gives the services beside it. */
export function deviceService(context: DeviceContext, others: () => readonly Service[]): Service {
  const { facts } = context;
  const all = (): readonly Service[] => [service, ...advertised(others())];
  const operations: Operations = {
    GetSystemDateAndTime: () =>
      answer("tds", "GetSystemDateAndTimeResponse", buildSystemDateAndTime(context.deviceNow())),
    GetServices: ({ body, addressOf }) => {
      const withCapabilities = body.textAt("IncludeCapability") === "true";
      const services = all().map(({ namespace, path, version, capabilities }) => {
        const told = withCapabilities ? `<tds:Capabilities>${capabilities}</tds:Capabilities>` : "";
        return (
          `<tds:Service><tds:Namespace>${namespace}</tds:Namespace>` +
          `<tds:XAddr>${escapeXml(addressOf("services", path))}</tds:XAddr>${told}<tds:Version>` +
          `<tt:Major>${version[0]}</tt:Major><tt:Minor>${version[1]}</tt:Minor></tds:Version></tds:Service>`
        );
      });
      return answer("tds", "GetServicesResponse", services.join(""));
    },
    GetCapabilities: ({ addressOf }) => {
      const told = `<tds:Capabilities>${oldCapabilities(all(), addressOf)}</tds:Capabilities>`;
      return answer("tds", "GetCapabilitiesResponse", told);
    },
    GetDeviceInformation: () =>
      answer(
        "tds",
        "GetDeviceInformationResponse",
        `<tds:Manufacturer>Parkhub</tds:Manufacturer><tds:Model>${escapeXml(facts.model)}</tds:Model>` +
          `<tds:FirmwareVersion>1.10</tds:FirmwareVersion><tds:SerialNumber>${escapeXml(facts.serialNumber)}</tds:SerialNumber>` +
          "<tds:HardwareId>1</tds:HardwareId>",
      ),
    GetEndpointReference: () =>
      answer("tds", "GetEndpointReferenceResponse", `<tds:GUID>${escapeXml(facts.endpoint)}</tds:GUID>`),
    GetScopes: () => {
      const items = facts.scopes.map(
        (scope) =>
          `<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>${escapeXml(scope)}</tt:ScopeItem></tds:Scopes>`,
      );
      return answer("tds", "GetScopesResponse", items.join(""));
    },
    GetHostname: () =>
      answer(
        "tds",
        "GetHostnameResponse",
        `<tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP><tt:Name>${escapeXml(facts.serialNumber)}</tt:Name></tds:HostnameInformation>`,
      ),
    ...context.relays,
  };
  const service: Service = {
    name: "Device",
    namespace: NAMESPACES.tds,
    path: SERVICE_PATHS.device,
    version: [2, 60],
    get capabilities() {
      return deviceCapabilities(context);
    },
    operations,
  };
  return service;
}
