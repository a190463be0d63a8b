import { type Static, Type } from "typebox";
import { IdPart } from "#core/model/site.ts";
import { Northbound } from "./northbound.ts";

/** What `npm run edge -- --config <file>` needs to find its cloud; all else comes in the bundle. `${VAR}` and `${sim:name}` are filled in. */
export const Bootstrap = Type.Object(
  {
    site: IdPart,
    gateway: IdPart,
    data: Type.String({ description: "Folder of the gateway's own files: outbox, bundle, blobs." }),
    broker: Type.String({ description: "MQTT address of the cloud, mqtt://host:port or mqtts://host:port." }),
    cloud: Type.String({ description: "HTTP address of the cloud, for the bundle and for pictures." }),
    credential: Type.String({ description: "File with this gateway's password, JSON {username, password}, mode 600." }),
    outbox: Type.Optional(
      Type.Object(
        {
          telemetryMb: Type.Optional(
            Type.Integer({ minimum: 1, description: "Values kept for the cloud, MB; 512 when absent." }),
          ),
          eventsMb: Type.Optional(
            Type.Integer({ minimum: 1, description: "Events kept for the cloud, MB; 64 when absent." }),
          ),
          reserveMb: Type.Optional(
            Type.Integer({
              minimum: 0,
              description: "Disk kept back so that a full disk can still be worked on, MB; 16 when absent.",
            }),
          ),
        },
        { additionalProperties: false, description: "Sizes of the store-and-forward file." },
      ),
    ),
    secrets: Type.Optional(
      Type.String({ description: "JSON file {name: value} for secret:<name> references, mode 600." }),
    ),
    northbound: Type.Optional(Northbound),
    simPorts: Type.Optional(
      Type.String({ description: "JSON file {name: port or thumbprint} for ${sim:name} references; demo only." }),
    ),
  },
  { additionalProperties: false },
);
export type Bootstrap = Static<typeof Bootstrap>;
