import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { LiveBus, LiveChange } from "#cloud/ports.ts";

/** A change of a point. `builds` is called when somebody reads the item. */
export function changeOf(id: string, value: unknown, builds?: () => void): LiveChange {
  return {
    kind: "points",
    id,
    space: "park/hall",
    get item() {
      builds?.();
      return value;
    },
  };
}

/** One kind of bus under test. */
export interface BusUnderTest {
  readonly name: string;
  readonly before?: () => Promise<void>;
  readonly after?: () => Promise<void>;
  /** `onError` is told what listeners throw. */
  readonly make: (onError: (error: unknown) => void) => LiveBus & { close?(): void };
}

/** What every LiveBus keeps to inside one process. */
export function liveBusContract({ name, before, after, make }: BusUnderTest): void {
  describe(`the ${name} live bus`, () => {
    let bus: ReturnType<BusUnderTest["make"]>;
    let errors: unknown[];
    beforeAll(async () => await before?.());
    afterAll(async () => await after?.());
    beforeEach(() => {
      errors = [];
      bus = make((error) => errors.push(error));
    });
    afterEach(() => bus.close?.());

    it("tells a change at once to everybody who listens here, and to nobody who stopped", () => {
      const heard: string[] = [];
      const stop = bus.subscribe(({ id }) => heard.push(`first ${id}`));
      bus.subscribe(({ id }) => heard.push(`second ${id}`));
      bus.publish(changeOf("a", 1));
      stop();
      bus.publish(changeOf("b", 2));
      expect(heard).toEqual(["first a", "second a", "second b"]);
    });

    it("tells the others when a listener throws, and who looks after it", () => {
      const heard: string[] = [];
      bus.subscribe(() => {
        throw new Error("broken listener");
      });
      bus.subscribe(({ id }) => heard.push(id));
      bus.publish(changeOf("a", 1));
      expect(heard).toEqual(["a"]);
      expect(errors).toMatchObject([{ message: "broken listener" }]);
    });

    it("builds an item only when somebody looks at it", () => {
      let built = 0;
      const seen: unknown[] = [];
      bus.subscribe(() => undefined);
      bus.publish(changeOf("a", 1, () => built++));
      expect(built).toBe(0);
      bus.subscribe(({ item }) => seen.push(item));
      bus.publish(changeOf("a", 2, () => built++));
      expect(seen).toEqual([2]);
      expect(built).toBe(1);
    });

    it("tells of no gap where nothing was missed", () => {
      let gaps = 0;
      const stop = bus.onGap(() => gaps++);
      bus.publish(changeOf("a", 1));
      stop();
      expect(gaps).toBe(0);
    });
  });
}
