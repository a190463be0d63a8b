/** Names of the protocols, the same in every language. */
const NAMES: Readonly<Record<string, string>> = {
  bacnet: "BACnet/IP",
  modbus: "Modbus TCP",
  onvif: "ONVIF",
  opcua: "OPC UA",
  "sia-dc09": "SIA DC-09",
};

/** How a protocol is named to people; one that is not known as it is written. */
export function protocolText(protocol: string): string {
  return NAMES[protocol] ?? protocol;
}
