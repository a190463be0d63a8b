import type { Static, TSchema } from "typebox";
import type { DeviceId, PointId } from "../ids.ts";
import type { Door, DoorOperation } from "../model/door.ts";
import type { Value } from "../model/sample.ts";

/** Everything a linkage may cause. Closed: the executors in edge/ and cloud/ switch over it and end in `satisfies never`. */
export type Effect =
  | {
      readonly kind: "write";
      readonly point: PointId;
      readonly value: Value;
      readonly priority: number;
      /** The value is relinquished (or written back to its former value) by itself after so long, ms. */
      readonly leaseMs?: number;
    }
  | { readonly kind: "ptzPreset"; readonly device: DeviceId; readonly preset: string }
  | { readonly kind: "snapshot"; readonly device: DeviceId }
  | {
      /** Keeps the video from `beforeMs` before now to `afterMs` after it; done when the recording runs. */
      readonly kind: "recordClip";
      readonly device: DeviceId;
      readonly beforeMs: number;
      readonly afterMs: number;
    }
  | {
      readonly kind: "door";
      readonly device: DeviceId;
      /** Token of the door in its controller. */
      readonly door: string;
      readonly operation: DoorOperation;
    }
  | {
      readonly kind: "notifyConsole";
      readonly text: string;
      readonly textEn: string;
      readonly popup: boolean;
      readonly camera?: DeviceId;
    };

/** What of the site an action may look up while it plans. */
export interface PlanSite {
  /** The door of this id. */
  door(id: string): Door | undefined;
  /** Doors on escape routes in this space and all below it. */
  escapeDoors(space: string): readonly Door[];
}

/** A linkage action plans effects and performs none, so that it runs the same on a gateway, in the cloud and in a test. */
export interface LinkageAction<P extends TSchema = TSchema> {
  readonly kind: string;
  /** Schema of the step's `params` after zone references are filled in. */
  readonly params: P;
  /** Throws InvalidInputError where the parameters name what the site does not have. */
  plan(params: Static<P>, site: PlanSite): readonly Effect[];
}

/** Keeps the literal types of an action. */
export function defineAction<P extends TSchema>(action: LinkageAction<P>): LinkageAction<P> {
  return action;
}
