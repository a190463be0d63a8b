import { createRequire } from "node:module";
import { loopbackSocket } from "./bacnet-fixture.ts";

// required, not imported: the test runner unwraps the default export of a CommonJS module, Node does not
const loaded = createRequire(import.meta.url)("@bacnet-js/client") as typeof import("@bacnet-js/client");

/** The independent BACnet stack of npm, as a class. */
export const BacnetJs = loaded.default;
export type BacnetJs = InstanceType<typeof BacnetJs>;

/** An independent stack on a free loopback port. */
export async function openBacnetJs(): Promise<{ client: BacnetJs; port: number }> {
  const free = await loopbackSocket();
  await free.close();
  const client = new BacnetJs({ port: free.port, interface: "127.0.0.1", apduTimeout: 1000 });
  client.on("error", () => {});
  await new Promise<void>((resolve) => client.on("listening", resolve));
  return { client, port: free.port };
}
