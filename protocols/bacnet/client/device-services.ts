import { errorMessage } from "#core/errors.ts";
import type { DeviceId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { FieldCondition } from "#core/model/field-condition.ts";
import type { ActionRequest, ActionResult, DriverDeps } from "../../driver.ts";
import type { Peer } from "../codec/frame.ts";
import type { Recipient } from "../codec/references.ts";
import type { EventNotification } from "../codec/services/event-notification.ts";
import type { Settings } from "../settings.ts";
import { DeviceAlarms } from "./alarms/alarms.ts";
import type { Contact } from "./contact.ts";
import { ClockKeeper, type ClockKeeperDeps, type DeviceTime } from "./control/clock.ts";
import { readCalendar, readSchedule, writeWeeklySchedule } from "./control/schedule.ts";
import type { DeviceMemory } from "./memory.ts";

/** What the services of one device need. */
export interface DeviceServiceDeps
  extends Omit<ClockKeeperDeps, "settings" | "device" | "instance">,
    Pick<DriverDeps, "storeEvent"> {
  readonly device: DeviceId;
  readonly instance: number;
  readonly settings: Settings;
  readonly memory: DeviceMemory;
  /** Our own address as a device has it in its lists; undefined where it is not known. */
  readonly recipientAt: (peer: Peer) => Promise<Recipient | undefined>;
  /** Other conditions that we found at the device ourselves and that hold now. */
  readonly found: () => readonly FieldCondition[];
}

/** What is done with one device beside reading and writing its points: its clock, its alarms, its schedules. */
export class DeviceServices {
  readonly #clock: ClockKeeper;
  readonly #alarms: DeviceAlarms;
  readonly #logger: Logger;
  #contact: Contact | undefined;

  constructor(deps: DeviceServiceDeps) {
    this.#logger = deps.logger;
    this.#clock = new ClockKeeper({ ...deps, settings: deps.settings.clock });
    this.#alarms = new DeviceAlarms({
      ...deps,
      settings: deps.settings.alarms,
      time: () => this.#clock.time,
      own: () => [...deps.found(), ...this.#clock.conditions],
    });
  }

  /** What is known of the device's clock. */
  get time(): DeviceTime | undefined {
    return this.#clock.time;
  }

  /** The device is in touch. By its clock all that follows is understood, so that is read first. */
  async begin(contact: Contact): Promise<void> {
    this.#contact = contact;
    await this.#guarded(async () => {
      await this.#clock.begin(contact);
      if (!contact.signal.aborted) await this.#alarms.begin(contact);
    });
  }

  /** The device has started again, or its objects are others. */
  async renewed(): Promise<void> {
    await this.#guarded(() => this.#alarms.renewed(true));
  }

  /** Takes an event notification; true when it is on the disk. Never rejects. */
  notified(notification: EventNotification): Promise<boolean> {
    return this.#alarms.notified(notification);
  }

  /** Performs an action that needs the device in touch. Never rejects. */
  async act(request: ActionRequest): Promise<ActionResult> {
    if (request.action === "acknowledgeCondition") return this.#alarms.act(request);
    const contact = this.#contact;
    const offline = { status: "rejected", code: "BACNET_OFFLINE", message: `${request.device} is offline` } as const;
    if (contact === undefined || contact.signal.aborted) return offline;
    switch (request.action) {
      case "readSchedule":
        return readSchedule(request, contact);
      case "writeWeeklySchedule":
        return writeWeeklySchedule(request, contact);
      case "readCalendar":
        return readCalendar(request, contact);
      case "timeSync":
        return this.#timeSync(request, contact);
      default:
        return { status: "rejected", code: "ACTION_UNKNOWN", message: `no action ${request.action}` };
    }
  }

  /** Lets go of the device; nothing is told afterwards. */
  close(): void {
    this.#contact = undefined;
    this.#alarms.close();
  }

  /** As when the disk refuses to be read: the points of the device go on all the same. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#logger.error({ cause: errorMessage(error) }, "alarms of the device cannot be taken over");
    }
  }

  /** `timeSync {}`: sets the clock and gives how far it is off then. */
  async #timeSync({ device }: ActionRequest, contact: Contact): Promise<ActionResult> {
    const before = this.#clock.time;
    const after = await this.#clock.set(contact);
    if (contact.signal.aborted) {
      return { status: "timeout", code: "BACNET_TIMEOUT", message: `${device} does not answer` };
    }
    const said = { driftBeforeMs: before?.driftMs ?? null, driftMs: after?.driftMs ?? null };
    const bytes = new TextEncoder().encode(JSON.stringify(said));
    return { status: "done", blob: { contentType: "application/json", bytes } };
  }
}
