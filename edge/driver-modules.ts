import { errorMessage, HubError } from "#core/errors.ts";
import type { CreateDriver, DriverDescriptor } from "#protocols/driver.ts";

/** Module with every driver of the hub. Others may be named beside it, each exporting one or more descriptors. */
export const REGISTRY_MODULE: string = import.meta.resolve("#protocols/registry.ts");

/** A driver kind that a module exports, and where a driver thread loads it from. */
export interface DriverSource {
  readonly descriptor: DriverDescriptor;
  readonly module: string;
}

function isDescriptor(value: unknown): value is DriverDescriptor {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    typeof value.kind === "string" &&
    "create" in value &&
    typeof value.create === "function"
  );
}

async function exportsOf(module: string): Promise<object> {
  try {
    return (await import(module)) as object;
  } catch (error) {
    throw new HubError("DRIVER_MODULE_UNUSABLE", `${module}: ${errorMessage(error)}`, { cause: error });
  }
}

function descriptorsIn(exported: object): readonly DriverDescriptor[] {
  return Object.values(exported)
    .flatMap((value: unknown) => (value instanceof Map ? [...value.values()] : [value]))
    .filter(isDescriptor);
}

/** Every driver kind of the modules; a later module replaces a kind of an earlier one. @throws DRIVER_MODULE_UNUSABLE */
export async function loadDriverSources(modules: readonly string[]): Promise<ReadonlyMap<string, DriverSource>> {
  const sources = new Map<string, DriverSource>();
  for (const module of modules)
    for (const descriptor of descriptorsIn(await exportsOf(module)))
      sources.set(descriptor.kind, { descriptor, module: descriptor.module ?? module });
  return sources;
}

/**
 * What makes the drivers of one kind: the module's own `create`, or else that of its descriptor.
 * @throws DRIVER_UNKNOWN | DRIVER_MODULE_UNUSABLE
 */
export async function loadCreate(module: string, kind: string): Promise<CreateDriver> {
  const exported = await exportsOf(module);
  if ("create" in exported && typeof exported.create === "function") return exported.create as CreateDriver;
  const found = descriptorsIn(exported).find((descriptor) => descriptor.kind === kind);
  if (found === undefined) throw new HubError("DRIVER_UNKNOWN", `${module} has no driver of kind "${kind}"`);
  return found.create;
}

/** Actions of these drivers that only the gateway itself may ask for. */
export function internalActions(drivers: ReadonlyMap<string, Pick<DriverSource, "descriptor">>): readonly string[] {
  return [...drivers.values()].flatMap(({ descriptor }) => descriptor.internalActions ?? []);
}
