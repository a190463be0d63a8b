import { readFileSync } from "node:fs";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#core/logger.ts";
import type { StatementSigner } from "./completeness/signer.ts";
import type { Domains } from "./domains.ts";
import { Evidence } from "./evidence/service.ts";
import type { BlobStore } from "./media-ports.ts";
import type { AuditLog, SiteCatalog } from "./ports.ts";
import type { HistoryService } from "./telemetry-ports.ts";

/** Name and version of this software. */
function software(): string {
  const { name, version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    name: string;
    version: string;
  };
  return `${name} ${version}`;
}

/** Evidence packs over all domains. Part of the composition root. */
export function buildEvidence(
  { alarms, journal, linkage, commands, procedures }: Domains,
  parts: {
    readonly catalog: SiteCatalog;
    readonly audit: AuditLog;
    readonly history: HistoryService;
    readonly blobs: BlobStore;
    readonly signer: StatementSigner;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): Evidence {
  const { catalog, audit, history, blobs, signer, clock, logger } = parts;
  return new Evidence({
    sources: {
      alarms,
      journal,
      runs: linkage,
      commands: (from, to, limit) => commands.between(from, to, limit),
      audit,
      history,
      catalog,
      blobs,
      procedures: (alarm) => procedures.runs.of(alarm),
    },
    signer,
    software: software(),
    clock,
    logger: logger.child({ module: "evidence" }),
  });
}
