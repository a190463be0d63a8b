import { gatewayOf, newId } from "#core/ids.ts";
import type { DeviceEvent } from "#core/model/event.ts";
import type { DriverDeps } from "../driver.ts";
import type { Panel } from "./panel.ts";

/** The same is told at most so often, ms. */
const EVERY_MS = 60_000;
/** Accounts that are remembered to have called. */
const MAX_STRANGERS = 100;

/** Tells, at a bounded rate, who calls and must not. [SIA-04; GB/T 22239 8.1.3.3 intrusion is detected and recorded] */
export class SecurityEvents {
  readonly #deps: DriverDeps;
  readonly #panels: () => Iterable<Panel>;
  readonly #toldAt = new Map<string, number>();
  /** Account and the address it called from. */
  readonly strangers = new Map<string, string>();

  constructor(deps: DriverDeps, panels: () => Iterable<Panel>) {
    this.#deps = deps;
    this.#panels = panels;
  }

  /** An account called that nobody configured. */
  unknownAccount(account: string, from: string): void {
    this.strangers.delete(account);
    this.strangers.set(account, from);
    const [oldest] = this.strangers.keys();
    if (this.strangers.size > MAX_STRANGERS && oldest !== undefined) this.strangers.delete(oldest);
    const [panel] = this.#panels();
    if (panel === undefined) return;
    // it has no device: the gateway itself tells it
    this.#tell("unknownAccount", `${gatewayOf(panel.device)}/gateway`, { account, from });
  }

  /** A frame bore the account of a panel and was not its own. */
  notAuthentic({ device }: Panel, reason: "wrongKey" | "notEncrypted", from: string): void {
    this.#tell("notAuthentic", device, { reason, from });
  }

  #tell(kind: string, device: string, data: NonNullable<DeviceEvent["data"]>): void {
    const { clock, logger, onEvent } = this.#deps;
    const key = `${kind} ${device}`;
    const toldAt = this.#toldAt.get(key);
    if (toldAt !== undefined && clock.monotonic() - toldAt < EVERY_MS) return;
    this.#toldAt.set(key, clock.monotonic());
    const now = clock.now();
    logger.warn({ kind, device, ...data }, "frame refused");
    onEvent({ id: newId(now), device, kind, observedAt: now, data });
  }
}
