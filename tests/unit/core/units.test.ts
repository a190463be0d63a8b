import { EngineeringUnits } from "@bacnet-js/client";
import { describe, expect, it } from "vitest";
import { bacnetOfUnit, UNITS, unitByBacnet, unitByHaystack, unitById } from "#core/units.ts";

/** The name another BACnet stack gives the first number of each unit. */
const NAMES: Readonly<Record<string, string>> = {
  none: "NO_UNITS",
  pct: "PERCENT",
  pf: "POWER_FACTOR",
  degC: "DEGREES_CELSIUS",
  degF: "DEGREES_FAHRENHEIT",
  K: "DEGREES_KELVIN",
  deltaK: "DELTA_DEGREES_KELVIN",
  deltaDegF: "DELTA_DEGREES_FAHRENHEIT",
  pctRH: "PERCENT_RELATIVE_HUMIDITY",
  "g/kg": "GRAMS_OF_WATER_PER_KILOGRAM_DRY_AIR",
  Pa: "PASCALS",
  hPa: "HECTOPASCALS",
  kPa: "KILOPASCALS",
  mbar: "MILLIBARS",
  bar: "BARS",
  psi: "POUNDS_FORCE_PER_SQUARE_INCH",
  mmHg: "MILLIMETERS_OF_MERCURY",
  inH2O: "INCHES_OF_WATER",
  "m3/s": "CUBIC_METERS_PER_SECOND",
  "m3/h": "CUBIC_METERS_PER_HOUR",
  "l/s": "LITERS_PER_SECOND",
  "l/min": "LITERS_PER_MINUTE",
  "l/h": "LITERS_PER_HOUR",
  cfm: "CUBIC_FEET_PER_MINUTE",
  gpm: "US_GALLONS_PER_MINUTE",
  "kg/s": "KILOGRAMS_PER_SECOND",
  "kg/h": "KILOGRAMS_PER_HOUR",
  "m/s": "METERS_PER_SECOND",
  "km/h": "KILOMETERS_PER_HOUR",
  rpm: "REVOLUTIONS_PER_MINUTE",
  W: "WATTS",
  kW: "KILOWATTS",
  MW: "MEGAWATTS",
  tonRef: "TONS_REFRIGERATION",
  VA: "VOLT_AMPERES",
  kVA: "KILOVOLT_AMPERES",
  var: "VOLT_AMPERES_REACTIVE",
  kvar: "KILOVOLT_AMPERES_REACTIVE",
  Wh: "WATT_HOURS",
  kWh: "KILOWATT_HOURS",
  MWh: "MEGAWATT_HOURS",
  kJ: "KILOJOULES",
  MJ: "MEGAJOULES",
  kvarh: "KILOVOLT_AMPERE_HOURS_REACTIVE",
  kVAh: "KILOVOLT_AMPERE_HOURS",
  mV: "MILLIVOLTS",
  V: "VOLTS",
  kV: "KILOVOLTS",
  mA: "MILLIAMPERES",
  A: "AMPERES",
  ohm: "OHMS",
  kohm: "KILOHMS",
  Hz: "HERTZ",
  kHz: "KILOHERTZ",
  deg: "DEGREES_ANGULAR",
  degPhase: "DEGREES_PHASE",
  lux: "LUXES",
  lm: "LUMENS",
  "W/m2": "WATTS_PER_SQUARE_METER",
  ppm: "PARTS_PER_MILLION",
  ppb: "PARTS_PER_BILLION",
  "mg/m3": "MILLIGRAMS_PER_CUBIC_METER",
  "ug/m3": "MICROGRAMS_PER_CUBIC_METER",
  dB: "DECIBELS",
  dBA: "DECIBELS_A",
  l: "LITERS",
  m3: "CUBIC_METERS",
  g: "GRAMS",
  kg: "KILOGRAMS",
  t: "TONS",
  mm: "MILLIMETERS",
  cm: "CENTIMETERS",
  m: "METERS",
  km: "KILOMETERS",
  m2: "SQUARE_METERS",
  ms: "MILLISECONDS",
  s: "SECONDS",
  min: "MINUTES",
  h: "HOURS",
  d: "DAYS",
};

/** Units that the other stack does not know, with their number from ASHRAE 135. */
const UNKNOWN_TO_THE_PEER: Readonly<Record<string, number | undefined>> = { GJ: 47925, kgCO2: undefined };

describe("units", () => {
  it("UNIT-01 writes the number that an independent BACnet stack gives the same unit", () => {
    const peer = new Map<string, unknown>(Object.entries(EngineeringUnits));
    const ours = UNITS.map(({ id }) => [id, bacnetOfUnit(id)]);
    const theirs = UNITS.map(({ id }) => [id, peer.get(NAMES[id] ?? "") ?? UNKNOWN_TO_THE_PEER[id]]);
    expect(ours).toEqual(theirs);
  });

  it("UNIT-01 reads every number it writes back as the same unit", () => {
    for (const unit of UNITS) for (const number of unit.bacnet) expect(unitByBacnet(number)).toBe(unit);
    expect(unitByBacnet(204).id).toBe("kvarh");
  });

  it("UNIT-01 gives an explicit unknown unit for a number without one, which survives the way back", () => {
    expect(unitByBacnet(47810)).toEqual({
      id: "unknown-unit(47810)",
      symbol: "",
      quantity: "unknown",
      bacnet: [47810],
    });
    expect(bacnetOfUnit("unknown-unit(47810)")).toBe(47810);
    expect(unitById("unknown-unit(62)")?.id).toBe("degC");
  });

  it("knows nothing of a unit that is not in the table", () => {
    expect(unitById("furlong")).toBeUndefined();
    expect(unitById("unknown-unit(-1)")).toBeUndefined();
    expect(bacnetOfUnit("furlong")).toBeUndefined();
  });

  it("has each id, BACnet number and Haystack name once", () => {
    const ids = UNITS.map(({ id }) => id);
    const numbers = UNITS.flatMap(({ bacnet }) => bacnet);
    const names = UNITS.flatMap(({ haystack }) => haystack ?? []);
    const lists: readonly (readonly unknown[])[] = [ids, numbers, names];
    for (const list of lists) expect(new Set(list).size).toBe(list.length);
  });

  it("carries the Haystack names and symbols of the standards page", () => {
    const pairs = { degC: "celsius", kWh: "kilowatt_hour", kW: "kilowatt", pct: "percent", ppm: "parts_per_million" };
    for (const [id, name] of Object.entries(pairs)) expect(unitByHaystack(name)?.id).toBe(id);
    expect(unitById("m3/h")).toMatchObject({ symbol: "m³/h", quantity: "volumeFlow" });
    expect(unitByHaystack("smoot")).toBeUndefined();
  });
});
