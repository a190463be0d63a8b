/** Canonical unit id and UNECE Recommendation 20 common code, from which OPC UA makes its unitId. [OPC 10000-8 §5.6.3] */
const CODES: readonly (readonly [unit: string, code: string])[] = [
  ["none", "C62"],
  ["pct", "P1"],
  ["degC", "CEL"],
  ["degF", "FAH"],
  ["K", "KEL"],
  ["Pa", "PAL"],
  ["hPa", "A97"],
  ["kPa", "KPA"],
  ["mbar", "MBR"],
  ["bar", "BAR"],
  ["psi", "PS"],
  ["mmHg", "HN"],
  ["m3/h", "MQH"],
  ["m3/s", "MQS"],
  ["l/s", "G51"],
  ["l/min", "L2"],
  ["l/h", "E32"],
  ["kg/s", "KGS"],
  ["kg/h", "E93"],
  ["m/s", "MTS"],
  ["km/h", "KMH"],
  ["rpm", "RPM"],
  ["W", "WTT"],
  ["kW", "KWT"],
  ["MW", "MAW"],
  ["VA", "D46"],
  ["kVA", "KVA"],
  ["var", "D44"],
  ["kvar", "KVR"],
  ["kJ", "KJO"],
  ["MJ", "3B"],
  ["GJ", "GV"],
  ["Wh", "WHR"],
  ["kWh", "KWH"],
  ["MWh", "MWH"],
  ["kvarh", "K3"],
  ["kVAh", "C79"],
  ["mV", "2Z"],
  ["V", "VLT"],
  ["kV", "KVT"],
  ["mA", "4K"],
  ["A", "AMP"],
  ["ohm", "OHM"],
  ["kohm", "B49"],
  ["Hz", "HTZ"],
  ["kHz", "KHZ"],
  ["deg", "DD"],
  ["lux", "LUX"],
  ["lm", "LUM"],
  ["W/m2", "D54"],
  ["ppm", "59"],
  ["ppb", "61"],
  ["mg/m3", "GP"],
  ["ug/m3", "GQ"],
  ["dB", "2N"],
  ["l", "LTR"],
  ["m3", "MTQ"],
  ["g", "GRM"],
  ["kg", "KGM"],
  ["t", "TNE"],
  ["mm", "MMT"],
  ["cm", "CMT"],
  ["m", "MTR"],
  ["km", "KMT"],
  ["m2", "MTK"],
  ["ms", "C26"],
  ["s", "SEC"],
  ["min", "MIN"],
  ["h", "HUR"],
  ["d", "DAY"],
];

/** unitId of a UNECE code: its characters as the bytes of a big-endian number. */
function numberOf(code: string): number {
  return [...code].reduce((number, character) => number * 256 + character.charCodeAt(0), 0);
}

const UNITS: ReadonlyMap<number, string> = new Map(CODES.map(([unit, code]) => [numberOf(code), unit]));
const UNIT_IDS: ReadonlyMap<string, number> = new Map(CODES.map(([unit, code]) => [unit, numberOf(code)]));

/** Namespace of unit ids that are made from UNECE codes. */
export const UNECE_NAMESPACE = "http://www.opcfoundation.org/UA/units/un/cefact";

/** Canonical unit id of an EUInformation; undefined where the hub has none for it. */
export function unitOfEuInformation(unitId: number): string | undefined {
  return UNITS.get(unitId);
}

/** The unitId of a canonical unit; undefined where UNECE has no code that is surely the same. */
export function unitIdOf(unit: string): number | undefined {
  return UNIT_IDS.get(unit);
}
