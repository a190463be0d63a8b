import type { XmlElement } from "./xml.ts";

/** A relay output. [ONVIF Device IO 5.5] */
export interface RelayOutput {
  readonly token: string;
  /** False for one that falls back by itself (Monostable). */
  readonly bistable: boolean;
}

const MAX_CONTACTS = 256;

function tokens(response: XmlElement, name: string): readonly (readonly [token: string, element: XmlElement])[] {
  const found: [string, XmlElement][] = [];
  for (const element of response.all(name).slice(0, MAX_CONTACTS)) {
    const token = element.attributes.get("token");
    if (token !== undefined && token !== "") found.push([token, element]);
  }
  return found;
}

/** Reads a GetRelayOutputsResponse of the device or of the device IO service. */
export function decodeRelayOutputs(response: XmlElement): readonly RelayOutput[] {
  return tokens(response, "RelayOutputs").map(([token, element]) => ({
    token,
    bistable: element.textAt("Properties", "Mode") !== "Monostable",
  }));
}

/** Tokens in a GetDigitalInputsResponse. [ONVIF Device IO 5.7] */
export function decodeDigitalInputs(response: XmlElement): readonly string[] {
  return tokens(response, "DigitalInputs").map(([token]) => token);
}
