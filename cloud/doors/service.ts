import type { DoorView } from "#core/contracts/doors.ts";
import { DOOR_ALARM_STATES, DOOR_MODES, DOOR_PHYSICAL_STATES, type Door } from "#core/model/door.ts";
import type { DoorService, LiveBus, SiteCatalog, StateService, Visible } from "../ports.ts";

export interface DoorDeps {
  readonly catalog: Pick<SiteCatalog, "doors" | "onChange">;
  readonly state: Pick<StateService, "current" | "device">;
  readonly bus: LiveBus;
}

/** Doors with their state, which follows from the points that the site names for each. */
export class Doors implements DoorService {
  readonly #deps: DoorDeps;
  #byId: ReadonlyMap<string, Door> = new Map();
  /** Doors that a point or device tells of. */
  #toldBy: ReadonlyMap<string, readonly Door[]> = new Map();
  readonly #stop: () => void;

  constructor(deps: DoorDeps) {
    this.#deps = deps;
    this.#index();
    deps.catalog.onChange(() => this.#index());
    this.#stop = deps.bus.subscribe(({ kind, id }) => {
      if (kind !== "points" && kind !== "devices") return;
      for (const door of this.#toldBy.get(id) ?? []) this.#publish(door);
    });
  }

  close(): void {
    this.#stop();
  }

  /** In the order of their ids. */
  list(visible: Visible): readonly DoorView[] {
    return this.#deps.catalog
      .doors()
      .filter(({ space }) => visible === "all" || visible.has(space))
      .map((door) => this.#view(door));
  }

  get(id: string): DoorView | undefined {
    const door = this.#byId.get(id);
    return door && this.#view(door);
  }

  door(id: string): Door | undefined {
    return this.#byId.get(id);
  }

  #index(): void {
    const doors = this.#deps.catalog.doors();
    this.#byId = new Map(doors.map((door) => [door.id, door]));
    const told = doors.flatMap((door) =>
      [door.device, door.mode, door.physicalState, door.alarmState].flatMap((id) =>
        id === undefined ? [] : [{ id, door }],
      ),
    );
    this.#toldBy = new Map(
      [...Map.groupBy(told, ({ id }) => id)].map(([id, found]) => [id, found.map(({ door }) => door)]),
    );
  }

  #publish(door: Door): void {
    const view = (): DoorView => this.#view(door);
    this.#deps.bus.publish({
      kind: "doors",
      id: door.id,
      space: door.space,
      get item() {
        return view();
      },
    });
  }

  #view(door: Door): DoorView {
    const { id, name, nameEn, space, device, camera, preset } = door;
    const { state } = this.#deps;
    const mode = state.current(door.mode);
    const since = mode.sourceTime ?? mode.observedAt;
    return {
      id,
      name,
      nameEn,
      space,
      device,
      escape: door.escape ?? false,
      ...(camera === undefined ? {} : { camera }),
      ...(preset === undefined ? {} : { preset }),
      online: state.device(device)?.online ?? false,
      state: this.#named(door.mode, DOOR_MODES),
      open: this.#isOpen(door),
      alarm: this.#named(door.alarmState, DOOR_ALARM_STATES),
      quality: mode.quality,
      ...(since === null ? {} : { since }),
    };
  }

  #isOpen({ physicalState }: Door): boolean | null {
    const { value, quality } = this.#deps.state.current(physicalState ?? "");
    if (quality === "bad") return null;
    if (typeof value === "boolean") return value;
    const state = this.#named(physicalState, DOOR_PHYSICAL_STATES);
    return state === "Open" || state === "Closed" ? state === "Open" : null;
  }

  /** The state that a point tells by its number, or by its name where it is a text; null where nothing is known. */
  #named(point: string | undefined, names: readonly string[]): string | null {
    const { value } = this.#deps.state.current(point ?? "");
    if (typeof value === "string") return value;
    return typeof value === "number" ? (names[value] ?? "Unknown") : null;
  }
}
