import type { CertificateView } from "#core/contracts/gateways.ts";
import type { CertificatesItem } from "#core/contracts/lanes.ts";
import { InvalidInputError } from "#core/errors.ts";
import { type GatewayId, ID_PART } from "#core/ids.ts";
import type { Db } from "../db/database.ts";
import type { CertificateService, SiteCatalog } from "../ports.ts";
import { iso } from "../time.ts";

/** Most certificates of one channel. */
const MOST = 1000;

/** Certificates that channels of gateways know: replaced by each report, gone with the channel. */
export class Certificates implements CertificateService {
  readonly #db: Db;
  readonly #catalog: Pick<SiteCatalog, "channel">;

  constructor(db: Db, catalog: Pick<SiteCatalog, "channel">) {
    this.#db = db;
    this.#catalog = catalog;
  }

  /**
   * Keeps what a channel knows, inside the lane's transaction.
   * @throws CHANNEL_INVALID, CERTIFICATES_TOO_MANY
   */
  take(gateway: GatewayId, { channel, certificates }: CertificatesItem): void {
    if (!ID_PART.test(channel))
      throw new InvalidInputError("CHANNEL_INVALID", `channel "${channel.slice(0, 80)}": expected the id of a channel`);
    if (certificates.length > MOST)
      throw new InvalidInputError(
        "CERTIFICATES_TOO_MANY",
        `channel ${channel} knows ${certificates.length} certificates, at most ${MOST} are kept`,
      );
    const { kysely, sync } = this.#db;
    sync.transaction(() => {
      sync.run(
        kysely
          .deleteFrom("certificates")
          .where("gateway", "=", gateway)
          .where((e) => e.or([e("channel", "=", channel), e("channel", "in", this.#orphans(gateway))])),
      );
      // What was told before the channel was taken out of the site comes too late.
      if (this.#catalog.channel(`${gateway}/${channel}`) === undefined) return;
      for (const { thumbprint, subject, issuer, applicationUri, notBefore, notAfter, trust } of certificates) {
        const known = { subject, issuer, application_uri: applicationUri ?? null, trust };
        const row = { ...known, not_before: notBefore, not_after: notAfter };
        sync.run(
          kysely
            .insertInto("certificates")
            .values({ gateway, channel, thumbprint, ...row })
            .onConflict((c) => c.columns(["gateway", "channel", "thumbprint"]).doUpdateSet(row)),
        );
      }
    });
  }

  /** Order: channel, then subject. */
  of(gateway: string): readonly CertificateView[] {
    const { kysely, sync } = this.#db;
    const rows = sync.all(
      kysely
        .selectFrom("certificates")
        .selectAll()
        .where("gateway", "=", gateway)
        .orderBy("channel")
        .orderBy("subject")
        .orderBy("thumbprint"),
    );
    return rows
      .filter(({ channel }) => this.#catalog.channel(`${gateway}/${channel}`) !== undefined)
      .map(({ application_uri, not_before, not_after, ...row }) => ({
        ...row,
        ...(application_uri === null ? {} : { applicationUri: application_uri }),
        notBefore: iso(not_before),
        notAfter: iso(not_after),
      }));
  }

  /** Channels of the gateway that rows know and the site does not. */
  #orphans(gateway: string): readonly string[] {
    const { kysely, sync } = this.#db;
    return sync
      .all(kysely.selectFrom("certificates").select("channel").distinct().where("gateway", "=", gateway))
      .map(({ channel }) => channel)
      .filter((channel) => this.#catalog.channel(`${gateway}/${channel}`) === undefined);
  }
}
