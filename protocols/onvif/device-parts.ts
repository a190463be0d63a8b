import type { Clock } from "#core/clock.ts";
import { errorCode } from "#core/errors.ts";
import type { DeviceId } from "#core/ids.ts";
import type { Logger } from "#core/logger.ts";
import type { Value } from "#core/model/sample.ts";
import type { ActionRequest, ActionResult, PointBinding, WriteResult } from "../driver.ts";
import type { OnvifAddress, OnvifDevice, OnvifSettings } from "./config.ts";
import type { OnvifCounters } from "./counters.ts";
import { DeviceClient, type DeviceFacts } from "./device-client.ts";
import { DoorClient } from "./door-client.ts";
import { Doors } from "./doors.ts";
import { EventBook } from "./event-book.ts";
import { EventLoop } from "./events.ts";
import { IoClient } from "./io-client.ts";
import { MediaClient } from "./media-client.ts";
import { PictureSettings } from "./picture-settings.ts";
import { offeredPoints } from "./point-discovery.ts";
import { CONFIG_ERROR, good, type PointValue } from "./point-values.ts";
import { PtzHead } from "./ptz.ts";
import { PtzClient } from "./ptz-client.ts";
import { Relays } from "./relays.ts";
import { doneWithJson, rejected } from "./results.ts";
import { SoapClient } from "./soap-client.ts";
import { Video } from "./video.ts";
import { isDoorSignal, isEventSignal, isImagingSignal } from "./vocabulary.ts";

type EventData = Readonly<Record<string, string | number | boolean>>;

/** What the parts of a device need of its session. */
export interface DevicePartsDeps {
  readonly device: DeviceId;
  readonly connection: OnvifDevice;
  readonly config: OnvifSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: OnvifCounters;
  /** The value of a point may have changed. */
  readonly onChange: () => void;
  readonly onEvent: (kind: string, data: EventData, state?: boolean, sourceTime?: number) => void;
  readonly onEventsLost: () => void;
}

/** What a device consists of for the hub: events, video, head, picture, relays and doors, over one SOAP connection. */
export class DeviceParts {
  readonly #deps: DevicePartsDeps;
  readonly #soap: SoapClient;
  readonly #client: DeviceClient;
  readonly #io: IoClient;
  readonly #loop: EventLoop;
  readonly #book: EventBook;
  readonly #video: Video;
  readonly #head: PtzHead;
  readonly #picture: PictureSettings;
  readonly #relays: Relays;
  readonly #doors: Doors;
  #hasEvents = false;

  constructor(deps: DevicePartsDeps) {
    const { device, connection, config, clock, logger, counters, onChange } = deps;
    this.#deps = deps;
    this.#soap = new SoapClient({ ...connection, timeoutMs: config.timeoutMs }, clock, counters);
    this.#client = new DeviceClient(this.#soap);
    this.#io = new IoClient(this.#soap);
    this.#video = new Video(new MediaClient(this.#soap), connection, device);
    const { moveTimeoutMs, confirmMs } = config;
    this.#head = new PtzHead({ client: new PtzClient(this.#soap), clock, device, moveTimeoutMs, onChange });
    this.#picture = new PictureSettings(this.#io, device);
    this.#relays = new Relays({
      client: this.#io,
      clock,
      counters,
      device,
      confirmMs,
      state: (token) => this.#book.relay(token),
      repeat: (signal) => this.#loop.repeat(signal),
    });
    this.#doors = new Doors({
      client: new DoorClient(this.#soap),
      clock,
      counters,
      device,
      confirmMs,
      onChange: (edges) => this.#book.doorChanged(edges),
    });
    this.#book = new EventBook({
      clock,
      counters,
      doors: this.#doors,
      onRelay: (event) => this.#relays.told(event),
      tell: deps.onEvent,
      onChange,
    });
    this.#loop = new EventLoop(
      this.#soap,
      config,
      { clock, logger, counters },
      {
        subscribed: (afterLoss) => this.#book.subscribed(afterLoss),
        notified: (notifications) => this.#book.notified(notifications),
        lost: () => {
          this.#book.lost();
          deps.onEventsLost();
        },
      },
    );
  }

  /** Learns what the device is and has. @throws as SoapClient.call, and ONVIF_WRONG_DEVICE */
  async connect(expectedSerial: string | undefined, signal: AbortSignal): Promise<DeviceFacts> {
    const facts = await this.#client.connect(expectedSerial, signal);
    const { services } = facts;
    this.#hasEvents = services.events !== undefined;
    await this.#video.connect(services, signal);
    await this.#head.connect(services, this.#video.profiles, signal);
    this.#picture.connect(services.imaging, this.#video.source);
    await this.#doors.connect(services, signal);
    return facts;
  }

  /** Runs the event loop until the signal is aborted. */
  runEvents(events: URL, signal: AbortSignal): Promise<void> {
    return this.#loop.run(events, signal);
  }

  /**
   * Looks whether the device is there and how it is. `thorough`: also whether the password still holds. `slow`: what changes
   * rarely too; doors whose events do not flow are no such thing. @throws as SoapClient.call
   */
  async poll(
    points: readonly PointBinding<OnvifAddress>[],
    how: { readonly thorough: boolean; readonly slow: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    await this.#soap.trySynchroniseClock(signal);
    if (how.thorough) await this.#client.probe(signal);
    await this.#head.poll(signal);
    const imaging = points.some(({ address }) => isImagingSignal(address.signal));
    if (how.slow && imaging) await this.#picture.poll(signal);
    if (!how.slow && this.#book.flows) return;
    const doors = points.flatMap(({ address }) => (isDoorSignal(address.signal) ? (address.door ?? []) : []));
    await this.#doors.poll(new Set(doors), signal);
  }

  /** The device is lost. */
  disconnected(): void {
    this.#book.lost();
  }

  /** Ends what is under way and closes every connection. */
  async stop(): Promise<void> {
    this.#book.stop();
    await this.#head.settled();
    this.#soap.close();
  }

  /** Present value of a point of the reachable device. */
  value(address: OnvifAddress): PointValue {
    const { signal, token } = address;
    if (isEventSignal(signal)) return this.#book.value(signal, token, this.#hasEvents);
    if (isDoorSignal(signal)) return this.#doors.value(address.door, signal);
    if (isImagingSignal(signal)) return this.#picture.value(signal);
    if (signal === "online") return good(true);
    if (signal !== "clockOffset") return this.#head.value(signal);
    const offset = this.#soap.clockOffsetMs;
    return good(offset === undefined ? undefined : Math.round(offset / 1000));
  }

  /** Writes a relay or a setting of the picture and reads it back. Never throws. */
  async write(facts: DeviceFacts, address: OnvifAddress, value: Value, signal: AbortSignal): Promise<WriteResult> {
    if (address.signal === "relay") return await this.#relays.write(facts.services, address.token, value, signal);
    if (isImagingSignal(address.signal)) return await this.#picture.write(address.signal, value, signal);
    return rejected("ONVIF_POINT_READ_ONLY", `${this.#deps.device}: ${address.signal} is read only`);
  }

  /** Performs one of ONVIF_ACTIONS or ONVIF_INTERNAL_ACTIONS. @throws as SoapClient.call */
  async act(facts: DeviceFacts, request: ActionRequest, signal: AbortSignal): Promise<ActionResult> {
    const { action, params } = request;
    switch (action) {
      case "snapshot":
        return await this.#video.snapshot(signal);
      case "streamUri":
        return await this.#video.streamUri(params, signal);
      case "doorControl":
        return await this.#doors.control(params, signal);
      case "discover":
        return await this.#discover(facts, signal);
      default:
        return await this.#head.act(action, params, signal);
    }
  }

  async #discover(facts: DeviceFacts, signal: AbortSignal): Promise<ActionResult> {
    const problems: string[] = [];
    const ask = async <T>(what: string, asked: Promise<readonly T[]>): Promise<readonly T[]> => {
      try {
        return await asked;
      } catch (error) {
        problems.push(`${what}: ${errorCode(error)}`);
        return [];
      }
    };
    const { services } = facts;
    const points = offeredPoints({
      events: this.#hasEvents,
      video: this.#video.source !== undefined,
      moves: this.#head.moves,
      imaging: this.#picture.value("brightness") !== CONFIG_ERROR,
      relays: await ask("relay outputs", this.#io.relays(services, signal)),
      inputs: await ask("digital inputs", this.#io.digitalInputs(services, signal)),
      doors: this.#doors.infos,
    });
    return doneWithJson({ at: this.#deps.clock.now(), devices: [], points, problems });
  }
}
