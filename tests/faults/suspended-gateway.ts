/** Child process of the test of a suspended gateway: one gateway with the drivers of the registry. */

import { silentLogger } from "#core/logger.ts";
import { startAgent } from "#edge/agent.ts";

const [data = "", broker = "", cloud = ""] = process.argv.slice(2);
const agent = await startAgent({
  bootstrap: { site: "park", gateway: "gw", data, broker, cloud, credential: "given" },
  username: "park:gw",
  password: "secret-password",
  references: { secret: () => undefined, simPort: () => undefined },
  logger: silentLogger,
  times: { link: { firstRetryMs: 50, longestRetryMs: 200 } },
  onFatal: () => process.exit(1),
});
process.once("SIGTERM", () => {
  agent.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
