import { NAMESPACES } from "#protocols/onvif/codec/namespaces.ts";
import { formatDateTime } from "#protocols/onvif/codec/time.ts";
import { escapeXml } from "#protocols/onvif/codec/xml.ts";
import type { SimulatedCredential } from "../../devices/credentials.ts";
import type { SimulatedDoorController } from "../../devices/door-controller.ts";
import { named, oneOf, pageOf } from "./paging.ts";
import { answer, FURTHER_NAMESPACES, type Operation, SERVICE_PATHS, type Service } from "./service.ts";

interface AccessPoint {
  readonly token: string;
  readonly name: string;
  readonly nameEn: string;
  readonly door: string;
}

function accessPointsOf(controller: SimulatedDoorController): readonly AccessPoint[] {
  return controller.doors.map(({ accessPoint, name, nameEn, token }) => ({
    token: accessPoint,
    name: `${name}读卡器`,
    nameEn: `${nameEn} reader`,
    door: token,
  }));
}

function infoXml({ token, name, nameEn, door }: AccessPoint): string {
  return (
    `<tac:AccessPointInfo token="${escapeXml(token)}"><tac:Name>${escapeXml(name)}</tac:Name>` +
    `<tac:Description>${escapeXml(nameEn)}</tac:Description>` +
    `<tac:EntityType xmlns:tdc="${NAMESPACES.tdc}">tdc:Door</tac:EntityType><tac:Entity>${escapeXml(door)}</tac:Entity>` +
    '<tac:Capabilities DisableAccessPoint="true" Duress="true" AnonymousAccess="false" AccessTaken="true" ' +
    `ExternalAuthorization="false" xmlns:pt="${FURTHER_NAMESPACES.pt}" SupportedRecognitionTypes="pt:Card"/></tac:AccessPointInfo>`
  );
}

const nextReference = (prefix: string, next: string | undefined): string =>
  next === undefined ? "" : `<${prefix}:NextStartReference>${escapeXml(next)}</${prefix}:NextStartReference>`;

/** Access control service: the readers beside the doors. [ONVIF Access Control 5] `maxLimit`: entries of one answer at most. */
export function accessService(controller: SimulatedDoorController, maxLimit: number): Service {
  const points = accessPointsOf(controller);
  const enable =
    (name: string, enabled: boolean): Operation =>
    ({ body }) => {
      controller.write(`${oneOf(body, points).door}-reader`, enabled);
      return answer("tac", `${name}Response`);
    };
  return {
    name: "AccessControl",
    namespace: NAMESPACES.tac,
    path: SERVICE_PATHS.accessControl,
    version: [21, 6],
    capabilities: `<tac:Capabilities xmlns:tac="${NAMESPACES.tac}" MaxLimit="${maxLimit}" MaxAccessPoints="${points.length}" MaxAreas="0"/>`,
    operations: {
      GetAccessPointInfoList: ({ body }) => {
        const { items, next } = pageOf(body, points, maxLimit);
        return answer(
          "tac",
          "GetAccessPointInfoListResponse",
          nextReference("tac", next) + items.map(infoXml).join(""),
        );
      },
      GetAccessPointInfo: ({ body }) =>
        answer("tac", "GetAccessPointInfoResponse", named(body, points, maxLimit).map(infoXml).join("")),
      GetAccessPointState: ({ body }) => {
        const enabled = controller.read(`${oneOf(body, points).door}-reader`) === true;
        const state = `<tac:AccessPointState><tac:Enabled>${enabled}</tac:Enabled></tac:AccessPointState>`;
        return answer("tac", "GetAccessPointStateResponse", state);
      },
      EnableAccessPoint: enable("EnableAccessPoint", true),
      DisableAccessPoint: enable("DisableAccessPoint", false),
      GetAreaInfoList: () => answer("tac", "GetAreaInfoListResponse"),
      GetAreaInfo: () => answer("tac", "GetAreaInfoResponse"),
    },
  };
}

function credentialXml({ token, holder, validFrom, validTo }: SimulatedCredential): string {
  const at = (name: string, ms: number | undefined): string =>
    ms === undefined ? "" : `<tcr:${name}>${formatDateTime(ms)}</tcr:${name}>`;
  return (
    `<tcr:CredentialInfo token="${escapeXml(token)}"><tcr:Description>${escapeXml(holder)}</tcr:Description>` +
    `<tcr:CredentialHolderReference>${escapeXml(`holder-${token}`)}</tcr:CredentialHolderReference>` +
    `${at("ValidFrom", validFrom)}${at("ValidTo", validTo)}</tcr:CredentialInfo>`
  );
}

/** Credential service, to read only; card numbers are not told. [ONVIF Credential 5] */
export function credentialService(controller: SimulatedDoorController, maxLimit: number): Service {
  const { credentials } = controller;
  return {
    name: "Credential",
    namespace: FURTHER_NAMESPACES.tcr,
    path: SERVICE_PATHS.credential,
    version: [21, 12],
    capabilities:
      `<tcr:Capabilities xmlns:tcr="${FURTHER_NAMESPACES.tcr}" MaxLimit="${maxLimit}" CredentialValiditySupported="true" ` +
      'CredentialAccessProfileValiditySupported="false" ValiditySupportsTimeValue="true" ' +
      `MaxCredentials="${credentials.length}" MaxAccessProfilesPerCredential="1" ResetAntipassbackSupported="false">` +
      "<tcr:SupportedIdentifierType>pt:Card</tcr:SupportedIdentifierType></tcr:Capabilities>",
    operations: {
      GetCredentialInfoList: ({ body }) => {
        const { items, next } = pageOf(body, credentials, maxLimit);
        const content = nextReference("tcr", next) + items.map(credentialXml).join("");
        return answer("tcr", "GetCredentialInfoListResponse", content);
      },
      GetCredentialInfo: ({ body }) =>
        answer("tcr", "GetCredentialInfoResponse", named(body, credentials, maxLimit).map(credentialXml).join("")),
      GetCredentialState: ({ body }) => {
        const { enabled } = oneOf(body, credentials);
        const reason = enabled === false ? "<tcr:Reason>pt:CredentialLost</tcr:Reason>" : "";
        const state = `<tcr:State><tcr:Enabled>${enabled !== false}</tcr:Enabled>${reason}</tcr:State>`;
        return answer("tcr", "GetCredentialStateResponse", state);
      },
    },
  };
}
