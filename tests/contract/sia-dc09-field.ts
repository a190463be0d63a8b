import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deviceId, pointId } from "#core/ids.ts";
import { silentLogger } from "#core/logger.ts";
import type { DeviceBinding } from "#protocols/driver.ts";
import type { SiaAccount, SiaAddress } from "#protocols/sia-dc09/config.ts";
import { createBurglarPanel } from "#simulators/devices/burglar-panel.ts";
import { type PanelOptions, type PanelServer, servePanel } from "#simulators/servers/sia-dc09.ts";

/** AES keys of tests: made up, of no panel. */
export const KEY_128 = "00112233445566778899AABBCCDDEEFF";
export const KEY_256 = `${KEY_128}${KEY_128}`;

/** A folder that `remove` takes away. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "parkhub-sia-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** One panel with zones, dialling to a receiver. */
export function panelBinding(
  slot: string,
  config: SiaAccount,
  addresses: Readonly<Record<string, SiaAddress>>,
): DeviceBinding<SiaAccount, SiaAddress> {
  const device = deviceId(`park/gw-1/${slot}`);
  return {
    device,
    config,
    points: Object.entries(addresses).map(([point, address]) => ({
      point: pointId(`${device}/${point}`),
      address,
      writable: false,
    })),
  };
}

/** A simulated panel that reports to `port`. */
export function dialling(
  port: number,
  options: Omit<PanelOptions, "receiver">,
): PanelServer & { write(signal: string, value: boolean): void } {
  const device = createBurglarPanel({ id: `panel-${options.account}`, name: "防盗主机", nameEn: "Burglar panel" });
  const server = servePanel(
    device,
    { supervisionMs: 300, timeoutMs: 1_000, ...options, receiver: { host: "127.0.0.1", port: () => port } },
    silentLogger,
  );
  return Object.assign(server, { write: (signal: string, value: boolean) => device.write(signal, value) });
}
