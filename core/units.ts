/** A unit as the hub knows it. */
export interface Unit {
  /** Canonical id, as written in site files: `degC`, `m3/h`, `kWh`. `unknown-unit(n)` for a BACnet number without one. */
  readonly id: string;
  /** What is shown behind a number; empty for a value without unit. */
  readonly symbol: string;
  /** Kind of quantity; units of one quantity can be compared after conversion. */
  readonly quantity: Quantity;
  /** BACnetEngineeringUnits, [BACnet 21]. The first is written, all are read; none for a unit that BACnet does not have. */
  readonly bacnet: readonly number[];
  /** Full name in the Project Haystack unit database; absent where it has none. */
  readonly haystack?: string;
}

export type Quantity =
  | "dimensionless"
  | "temperature"
  | "temperatureDifference"
  | "humidity"
  | "pressure"
  | "volumeFlow"
  | "massFlow"
  | "velocity"
  | "rotation"
  | "power"
  | "apparentPower"
  | "reactivePower"
  | "energy"
  | "reactiveEnergy"
  | "apparentEnergy"
  | "voltage"
  | "current"
  | "resistance"
  | "frequency"
  | "angle"
  | "illuminance"
  | "luminousFlux"
  | "powerByArea"
  | "concentration"
  | "sound"
  | "volume"
  | "mass"
  | "length"
  | "area"
  | "time"
  | "carbon"
  | "unknown";

type Row = readonly [id: string, symbol: string, quantity: Quantity, bacnet: readonly number[], haystack?: string];

const ROWS: readonly Row[] = [
  ["none", "", "dimensionless", [95]],
  ["pct", "%", "dimensionless", [98], "percent"],
  ["pf", "", "dimensionless", [15], "power_factor"],
  ["degC", "°C", "temperature", [62], "celsius"],
  ["degF", "°F", "temperature", [64], "fahrenheit"],
  ["K", "K", "temperature", [63], "kelvin"],
  ["deltaK", "K", "temperatureDifference", [121], "kelvin_degrees"],
  ["deltaDegF", "°F", "temperatureDifference", [120], "fahrenheit_degrees"],
  ["pctRH", "%RH", "humidity", [29], "percent_relative_humidity"],
  ["g/kg", "g/kg", "humidity", [28], "grams_of_water_per_kilogram_dry_air"],
  ["Pa", "Pa", "pressure", [53], "pascal"],
  ["hPa", "hPa", "pressure", [133], "hectopascal"],
  ["kPa", "kPa", "pressure", [54], "kilopascal"],
  ["mbar", "mbar", "pressure", [134], "millibar"],
  ["bar", "bar", "pressure", [55], "bar"],
  ["psi", "psi", "pressure", [56], "pounds_per_square_inch"],
  ["mmHg", "mmHg", "pressure", [59], "millimeters_of_mercury"],
  ["inH2O", "inH₂O", "pressure", [58], "inches_of_water"],
  ["m3/s", "m³/s", "volumeFlow", [85], "cubic_meters_per_second"],
  ["m3/h", "m³/h", "volumeFlow", [135], "cubic_meters_per_hour"],
  ["l/s", "L/s", "volumeFlow", [87], "liters_per_second"],
  ["l/min", "L/min", "volumeFlow", [88], "liters_per_minute"],
  ["l/h", "L/h", "volumeFlow", [136], "liters_per_hour"],
  ["cfm", "cfm", "volumeFlow", [84], "cubic_feet_per_minute"],
  ["gpm", "gal/min", "volumeFlow", [89], "gallons_per_minute"],
  ["kg/s", "kg/s", "massFlow", [42], "kilograms_per_second"],
  ["kg/h", "kg/h", "massFlow", [44], "kilograms_per_hour"],
  ["m/s", "m/s", "velocity", [74], "meters_per_second"],
  ["km/h", "km/h", "velocity", [75], "kilometers_per_hour"],
  ["rpm", "rpm", "rotation", [104], "revolutions_per_minute"],
  ["W", "W", "power", [47], "watt"],
  ["kW", "kW", "power", [48], "kilowatt"],
  ["MW", "MW", "power", [49], "megawatt"],
  ["tonRef", "RT", "power", [52], "tons_refrigeration"],
  ["VA", "VA", "apparentPower", [8], "volt_ampere"],
  ["kVA", "kVA", "apparentPower", [9], "kilovolt_ampere"],
  ["var", "var", "reactivePower", [11], "volt_ampere_reactive"],
  ["kvar", "kvar", "reactivePower", [12], "kilovolt_ampere_reactive"],
  ["Wh", "Wh", "energy", [18], "watt_hour"],
  ["kWh", "kWh", "energy", [19], "kilowatt_hour"],
  ["MWh", "MWh", "energy", [146], "megawatt_hour"],
  ["kJ", "kJ", "energy", [17], "kilojoule"],
  ["MJ", "MJ", "energy", [126], "megajoule"],
  ["GJ", "GJ", "energy", [47925], "gigajoule"],
  // kilowatt-hours-reactive (204) and kilovolt-ampere-hours-reactive (243) are two names of one unit.
  ["kvarh", "kvarh", "reactiveEnergy", [243, 204], "kilovolt_ampere_reactive_hour"],
  ["kVAh", "kVAh", "apparentEnergy", [240], "kilovolt_ampere_hour"],
  ["mV", "mV", "voltage", [124], "millivolt"],
  ["V", "V", "voltage", [5], "volt"],
  ["kV", "kV", "voltage", [6], "kilovolt"],
  ["mA", "mA", "current", [2], "milliampere"],
  ["A", "A", "current", [3], "ampere"],
  ["ohm", "Ω", "resistance", [4], "ohm"],
  ["kohm", "kΩ", "resistance", [122], "kilohm"],
  ["Hz", "Hz", "frequency", [27], "hertz"],
  ["kHz", "kHz", "frequency", [129], "kilohertz"],
  ["deg", "°", "angle", [90], "degrees_angular"],
  ["degPhase", "°", "angle", [14], "degrees_phase"],
  ["lux", "lx", "illuminance", [37], "lux"],
  ["lm", "lm", "luminousFlux", [36], "lumen"],
  ["W/m2", "W/m²", "powerByArea", [35], "watts_per_square_meter"],
  ["ppm", "ppm", "concentration", [96], "parts_per_million"],
  ["ppb", "ppb", "concentration", [97], "parts_per_billion"],
  ["mg/m3", "mg/m³", "concentration", [218], "milligrams_per_cubic_meter"],
  ["ug/m3", "µg/m³", "concentration", [219], "micrograms_per_cubic_meter"],
  ["dB", "dB", "sound", [199], "decibel"],
  ["dBA", "dB(A)", "sound", [232]],
  ["l", "L", "volume", [82], "liter"],
  ["m3", "m³", "volume", [80], "cubic_meter"],
  ["g", "g", "mass", [195], "gram"],
  ["kg", "kg", "mass", [39], "kilogram"],
  ["t", "t", "mass", [41], "metric_ton"],
  ["mm", "mm", "length", [30], "millimeter"],
  ["cm", "cm", "length", [118], "centimeter"],
  ["m", "m", "length", [31], "meter"],
  ["km", "km", "length", [193], "kilometer"],
  ["m2", "m²", "area", [0], "square_meter"],
  ["ms", "ms", "time", [159], "millisecond"],
  ["s", "s", "time", [73], "second"],
  ["min", "min", "time", [72], "minute"],
  ["h", "h", "time", [71], "hour"],
  ["d", "d", "time", [70], "day"],
  // Neither BACnet nor Haystack has a unit of carbon dioxide.
  ["kgCO2", "kgCO₂", "carbon", []],
];

/** Every unit the hub knows by name. Sources: ASHRAE 135 clause 21 (BACnetEngineeringUnits), Project Haystack unit database. */
export const UNITS: readonly Unit[] = ROWS.map(([id, symbol, quantity, bacnet, haystack]) => ({
  id,
  symbol,
  quantity,
  bacnet,
  ...(haystack === undefined ? {} : { haystack }),
}));

const BY_ID: ReadonlyMap<string, Unit> = new Map(UNITS.map((unit) => [unit.id, unit]));
const BY_BACNET: ReadonlyMap<number, Unit> = new Map(
  UNITS.flatMap((unit) => unit.bacnet.map((number) => [number, unit] as const)),
);
const BY_HAYSTACK: ReadonlyMap<string, Unit> = new Map(
  UNITS.flatMap((unit) => (unit.haystack === undefined ? [] : [[unit.haystack, unit] as const])),
);
const UNKNOWN = /^unknown-unit\((0|[1-9]\d{0,9})\)$/;

function unknownUnit(number: number): Unit {
  return { id: `unknown-unit(${number})`, symbol: "", quantity: "unknown", bacnet: [number] };
}

/** The unit of a canonical id, also of `unknown-unit(n)`; undefined for any other text. */
export function unitById(id: string): Unit | undefined {
  const number = UNKNOWN.exec(id)?.[1];
  return BY_ID.get(id) ?? (number === undefined ? undefined : unitByBacnet(Number(number)));
}

/**
 * The unit of a BACnetEngineeringUnits number. A number without canonical unit (rare, or a vendor's own) gives
 * `unknown-unit(n)`, so that nothing is guessed and the number survives the way back. [BACnet 21]
 */
export function unitByBacnet(number: number): Unit {
  return BY_BACNET.get(number) ?? unknownUnit(number);
}

/** The BACnetEngineeringUnits number to write for a canonical id; undefined where BACnet has none. */
export function bacnetOfUnit(id: string): number | undefined {
  return unitById(id)?.bacnet[0];
}

/** The unit of a Project Haystack unit name in full, e.g. `kilowatt_hour`. */
export function unitByHaystack(name: string): Unit | undefined {
  return BY_HAYSTACK.get(name);
}
