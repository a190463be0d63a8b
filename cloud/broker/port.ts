import type { GatewayId } from "#core/ids.ts";

/** What a gateway has published, after the topic rules. `session` counts the broker's connections: equal means the same TCP stream. */
export interface GatewayMessage {
  readonly gateway: GatewayId;
  readonly session: number;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** Who takes in what gateways publish. */
export interface GatewayMessageHandler {
  /**
   * Called in the order of the stream. While a returned promise is open, no more is read from that gateway: this is the
   * back-pressure. It is no acknowledgement.
   */
  message(message: GatewayMessage): Promise<void> | undefined;
  /** The connection of a gateway is gone. */
  disconnected(gateway: GatewayId, session: number): void;
}

/** The MQTT broker as the hub uses it: embedded today, any MQTT 3.1.1 broker by URL later. */
export interface Broker {
  /** Hands a message to whoever is connected and subscribed now; retained ones also to those who come later. */
  publish(
    topic: string,
    payload: Uint8Array | string,
    options: { readonly qos: 0 | 1; readonly retain: boolean },
  ): void;
  /** Is the gateway connected and does it listen on its command topic? */
  isReachable(gateway: GatewayId): boolean;
  /** Takes over from now on; messages before the first handler are refused. */
  attach(handler: GatewayMessageHandler): void;
  close(): Promise<void>;
}
