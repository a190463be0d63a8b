import type { DoorOperation } from "#core/model/door.ts";
import type { SignalValue } from "./device.ts";
import { DeviceView } from "./device-view.ts";
import type { AccessTimes, DoorVerdict } from "./devices/door.ts";
import type { AccessEvent, SimulatedDoorController } from "./devices/door-controller.ts";
import type { Recorder } from "./recorder.ts";

/** An access controller as the wire sees it: every operation that a client asks of a door is recorded. */
export class DoorControllerView extends DeviceView implements SimulatedDoorController {
  readonly #controller: SimulatedDoorController;

  constructor(controller: SimulatedDoorController, recorder: Recorder, now: () => number) {
    super(controller, recorder, now);
    this.#controller = controller;
  }

  get doors(): SimulatedDoorController["doors"] {
    return this.#controller.doors;
  }
  get credentials(): SimulatedDoorController["credentials"] {
    return this.#controller.credentials;
  }

  operate(door: string, operation: DoorOperation, times?: AccessTimes): DoorVerdict {
    const verdict = this.#controller.operate(door, operation, times);
    this.recorder.note({ type: "action", device: this.id, detail: `${operation} ${door}: ${verdict}` });
    this.recorder.scan(this);
    return verdict;
  }

  onChange(listener: (signal: string, value: SignalValue) => void): () => void {
    return this.#controller.onChange(listener);
  }

  onAccess(listener: (event: AccessEvent) => void): () => void {
    return this.#controller.onAccess(listener);
  }
}
