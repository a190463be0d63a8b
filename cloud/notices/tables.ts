import type { Generated } from "kysely";

/** What is told to people, and what devices told. Retention: the newest of each, in a bounded number. */
export interface NoticeTables {
  notices: {
    seq: Generated<number>;
    id: string;
    at: number;
    text: string;
    text_en: string;
    popup: number;
    camera: string | null;
    alarm: string | null;
    rule: string | null;
  };
  /** Device events as they came; `document` is the DeviceEvent (core/model/event.ts). */
  device_events: {
    seq: Generated<number>;
    id: string;
    device: string;
    kind: string;
    observed_at: number;
    /** Token of the door it is about; null for what is about no door. */
    door: string | null;
    /** Where the door or the device lay then; null: nowhere that is known, or told before this was kept. */
    space: string | null;
    document: string;
  };
}
