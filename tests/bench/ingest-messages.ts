/** Gateways of the bench. */
export const GATEWAYS = 20;
/** Samples of one message. */
export const BATCH = 100;
/** Messages that a gateway's points fill: each point comes in every so many. */
export const MESSAGES_A_ROUND = 10;
export const POINTS_A_GATEWAY = BATCH * MESSAGES_A_ROUND;
export const SITE = "bench";
export const DEVICE = "dev";
export const nameOf = (point: number): string => `p${point}`;

/** What the bench asks of the process under test; `rest` is answered when it has nothing more to do, not even in its threads. */
export type CloudQuestion = "reset" | "figures" | "rest" | "stop";
/** What it answers. Times in ms, CPU in us. */
export type CloudAnswer =
  | { readonly kind: "ready"; readonly port: number }
  | { readonly kind: "rested"; readonly afterMs: number }
  | {
      readonly kind: "figures";
      readonly samples: number;
      readonly elapsedMs: number;
      readonly cpuUs: number;
      readonly mainCpuUs: number;
      readonly p50Ms: number | null;
      readonly p99Ms: number | null;
      readonly rssMb: number;
    };

/** What the bench asks of the gateways: so many samples a second (0: none), or as many as are acknowledged. */
export type GatewaysOrder = { readonly samplesPerS: number | "saturate" } | "stop";
export type GatewaysAnswer = { readonly kind: "born" };
