import type { ActionResult } from "#protocols/driver.ts";
import type { VideoCamera } from "./camera-streams.ts";
import type { ClipAnswer, ClipOrder, ClipOutcome } from "./clips.ts";
import type { EngineSettings } from "./engine.ts";

/** What the video thread is started with. */
export interface VideoWorkerData {
  /** `<site>/<gateway>` */
  readonly gateway: string;
  /** The gateway's credential, as value of the Authorization header. */
  readonly authorization: string;
  /** How often the thread says that it lives, ms. */
  readonly beatMs: number;
  readonly settings: EngineSettings;
}

/** From the gateway to its video thread. */
export type ToVideo =
  | { readonly kind: "configure"; readonly cameras: readonly VideoCamera[] }
  | { readonly kind: "record"; readonly order: ClipOrder }
  /** What a camera's driver answered to `ask`. */
  | { readonly kind: "answer"; readonly id: number; readonly result: ActionResult }
  /** The cloud's address, or why it cannot be told now. */
  | { readonly kind: "cloud"; readonly id: number; readonly url: string | undefined; readonly problem: string }
  | { readonly kind: "stop" };

/** From the video thread to the gateway. */
export type FromVideo =
  | { readonly kind: "loaded" }
  | { readonly kind: "stopped" }
  | { readonly kind: "beat"; readonly counters: Readonly<Record<string, number>> }
  | {
      readonly kind: "ask";
      readonly id: number;
      readonly device: string;
      readonly action: "streamUri" | "snapshot";
      readonly params: Readonly<Record<string, string>>;
    }
  | { readonly kind: "cloud"; readonly id: number }
  | { readonly kind: "recording"; readonly id: number; readonly answer: ClipAnswer }
  | { readonly kind: "outcome"; readonly outcome: ClipOutcome }
  | {
      readonly kind: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: object;
      readonly message: string;
    };
