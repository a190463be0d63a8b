import { readdirSync } from "node:fs";
import path from "node:path";
import { type Static, Type } from "typebox";
import { YamlFile } from "#config/yaml-file.ts";
import { ConfigError, InvalidInputError } from "#core/errors.ts";

const closed = { additionalProperties: false } as const;

/** A number, or `$name` for the parameter of that name. */
const Seconds = Type.Union([
  Type.Number({ minimum: 0, maximum: 86_400 }),
  Type.String({ pattern: "^\\$[a-zA-Z]+$", description: "Value of a parameter." }),
]);
const SignalValueSchema = Type.Union([Type.Number(), Type.Boolean(), Type.String()]);
const timed = {
  at: Type.Optional({ ...Seconds, description: "Seconds after the start; 0 when absent." }),
  for: { ...Seconds, description: "Seconds until it is undone." },
};
const Target = Type.String({
  description: "Device id, or `$name` of a parameter; every device when that is not given.",
});

/** One thing that happens in a scenario, and is undone by itself. */
export const ScenarioStep = Type.Union([
  Type.Object(
    {
      do: Type.Literal("set"),
      device: Type.String(),
      signal: Type.String(),
      value: SignalValueSchema,
      then: { ...SignalValueSchema, description: "Value at the end of the step." },
      ...timed,
    },
    { ...closed, description: "Sets a signal as the field would." },
  ),
  Type.Object({ do: Type.Literal("silence"), device: Target, ...timed }, { ...closed, description: "Cuts the cable." }),
  Type.Object({ do: Type.Literal("reboot"), device: Target, ...timed }, { ...closed, description: "Power cycle." }),
  Type.Object(
    {
      do: Type.Literal("fault"),
      device: Type.String({ pattern: "^[^$]", description: "Device id." }),
      kind: Type.String({ description: "One of the device's faults; GET /devices/<id>/faults lists them." }),
      options: Type.Optional(Type.Record(Type.String(), SignalValueSchema)),
      ...timed,
    },
    { ...closed, description: "Switches on a fault of the device's server." },
  ),
  Type.Object(
    { do: Type.Literal("cut"), mode: Type.String(), ...timed },
    { ...closed, description: "Cuts the gateway's uplink." },
  ),
  Type.Object(
    {
      do: Type.Literal("storm"),
      count: Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: "^\\$[a-zA-Z]+$" })]),
      signals: Type.Array(Type.String({ description: "Regular expression over <device>/<signal>." }), { minItems: 1 }),
      ...timed,
    },
    { ...closed, description: "Raises boolean conditions one after the other, `count` times in all." },
  ),
]);
export type ScenarioStep = Static<typeof ScenarioStep>;

/** One parameter of a scenario. */
export const ScenarioParameter = Type.Object(
  {
    type: Type.Enum(["number", "text"]),
    default: Type.Optional(Type.Union([Type.Number(), Type.String()])),
    minimum: Type.Optional(Type.Number()),
    maximum: Type.Optional(Type.Number()),
    choices: Type.Optional(Type.Array(Type.String())),
    required: Type.Optional(Type.Boolean()),
    description: Type.String(),
  },
  closed,
);
export type ScenarioParameter = Static<typeof ScenarioParameter>;

/** `scenarios/<name>.yaml`: a timed story. Every step has an end, so that the park is left as it was. */
export const Scenario = Type.Object(
  {
    scenario: Type.String({ pattern: "^[a-z0-9-]+$" }),
    name: Type.String({ minLength: 1 }),
    nameEn: Type.String({ minLength: 1 }),
    parameters: Type.Optional(Type.Record(Type.String({ pattern: "^[a-zA-Z]+$" }), ScenarioParameter)),
    steps: Type.Array(ScenarioStep, { minItems: 1 }),
  },
  closed,
);
export type Scenario = Static<typeof Scenario>;

/** Values of a scenario's parameters for one run; absent: not given and without default. */
export type ScenarioValues = Readonly<Record<string, number | string>>;

/** Folder of the scenarios that come with the simulators. */
export const SCENARIO_FOLDER = path.join(import.meta.dirname, "scenarios");

/** Reads every scenario of a folder. @throws CONFIG_INVALID with every fault at once, `file:line:column path expected, got` */
export function loadScenarios(folder = SCENARIO_FOLDER): ReadonlyMap<string, Scenario> {
  const problems: string[] = [];
  const scenarios = new Map<string, Scenario>();
  for (const name of readdirSync(folder)
    .filter((entry) => entry.endsWith(".yaml"))
    .sort()) {
    const file = YamlFile.read(path.join(folder, name), name, problems);
    const scenario = file?.check(Scenario, problems);
    if (file === undefined || scenario === undefined) continue;
    if (`${scenario.scenario}.yaml` !== name) {
      problems.push(`${file.where(["scenario"])} /scenario expected the file's name, got "${scenario.scenario}"`);
    }
    for (const reference of unknownReferences(scenario)) {
      problems.push(`${file.where(["steps"])} /steps expected a parameter of the scenario, got "${reference}"`);
    }
    scenarios.set(scenario.scenario, scenario);
  }
  if (problems.length > 0) throw new ConfigError("CONFIG_INVALID", problems);
  return scenarios;
}

function unknownReferences(scenario: Scenario): readonly string[] {
  const known = Object.keys(scenario.parameters ?? {});
  return scenario.steps
    .flatMap((step) => Object.values(step))
    .filter((value): value is string => typeof value === "string" && value.startsWith("$"))
    .filter((reference) => !known.includes(reference.slice(1)));
}

/** Checks what was given for a run and fills in defaults. @throws SIM_PARAM_INVALID naming every fault */
export function scenarioValues(scenario: Scenario, given: Readonly<Record<string, unknown>>): ScenarioValues {
  const parameters = scenario.parameters ?? {};
  const problems = Object.keys(given)
    .filter((name) => parameters[name] === undefined)
    .map((name) => `${name}: expected one of ${Object.keys(parameters).join(", ") || "nothing"}, got this name`);
  const values: Record<string, number | string> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = given[name] ?? parameter.default;
    if (value === undefined) {
      if (parameter.required === true) problems.push(`${name}: expected a ${parameter.type}, got nothing`);
      continue;
    }
    const problem = parameterProblem(parameter, value);
    if (problem !== undefined) problems.push(`${name}: expected ${problem}, got ${JSON.stringify(value)}`);
    else values[name] = value as number | string;
  }
  if (problems.length === 0) return values;
  throw new InvalidInputError("SIM_PARAM_INVALID", `${scenario.scenario}: ${problems.join("; ")}`);
}

function parameterProblem(parameter: ScenarioParameter, value: unknown): string | undefined {
  if (parameter.type === "text") {
    if (parameter.choices !== undefined && !parameter.choices.includes(String(value))) {
      return `one of ${parameter.choices.join(", ")}`;
    }
    return typeof value === "string" ? undefined : "a text";
  }
  const { minimum = -Infinity, maximum = Infinity } = parameter;
  return typeof value === "number" && value >= minimum && value <= maximum
    ? undefined
    : `a number from ${minimum} to ${maximum}`;
}
