import type { FastifyReply } from "fastify";
import { Type } from "typebox";
import { HubError } from "#core/errors.ts";
import type { Actor } from "../../ports.ts";
import { mayAt } from "../access.ts";
import { attachment, type ByteRange, byteRange } from "../byte-range.ts";
import type { ApiDeps } from "../deps.ts";
import { type ApiRoute, allow, route } from "../route.ts";
import { closed } from "./parts.ts";

const ShaParams = Type.Object({ sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }) }, closed);
const BlobQuery = Type.Object(
  {
    download: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: "Offered as a download under this name." }),
    ),
  },
  closed,
);
/** Kinds that a browser shows and never runs, with their file name ending. Anything else is offered as a download. */
const SHOWN: Readonly<Record<string, string>> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "video/mp4": "mp4",
  "application/json": "json",
};
const BYTES = "application/octet-stream";

/** May the actor have this blob? One that nothing refers to is seen by whoever sees the alarms of the whole site. */
function mayHave(deps: ApiDeps, actor: Actor, sha256: string): boolean {
  const guards = deps.blobIndex.guards(sha256);
  if (guards.some(({ permission, space }) => mayAt(deps, actor, permission, space))) return true;
  return guards.length === 0 && mayAt(deps, actor, "alarm.read", undefined);
}

/** The part asked for; undefined for the whole, also when the caller's copy is of something else. */
function wanted(headers: Readonly<Record<string, unknown>>, etag: string, size: number): ByteRange | undefined {
  const { range, "if-range": condition } = headers;
  if (typeof range !== "string" || (condition !== undefined && condition !== etag)) return undefined;
  return byteRange(range, size);
}

function headersOf(reply: FastifyReply, etag: string, type: string, download: string | undefined): void {
  reply
    .type(type)
    .header("etag", etag)
    .header("accept-ranges", "bytes")
    .header("cache-control", "private, max-age=86400, immutable");
  if (download !== undefined) reply.header("content-disposition", attachment(download, SHOWN[type] ?? "bin"));
}

/** Pictures, clips and results by their SHA-256, streamed from the disk, whole or in part. */
export function blobRoutes(deps: ApiDeps): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      url: "/blobs/:sha256",
      access: allow("alarm.read"),
      summary: "A picture, a clip or a result by its SHA-256; a part of it by Range",
      tag: "alarms",
      params: ShaParams,
      query: BlobQuery,
      async handle({ params: { sha256 }, query, actor, request, reply }) {
        const found = mayHave(deps, actor, sha256) ? deps.blobs.find(sha256) : undefined;
        if (found === undefined) throw new HubError("NOT_FOUND", `blob ${sha256}: not here, or not here yet`);
        if (found.state === "expired")
          throw new HubError(
            "BLOB_EXPIRED",
            `blob ${sha256} was removed on ${new Date(found.removedAt).toISOString()}`,
          );
        const etag = `"${sha256}"`;
        if (request.headers["if-none-match"] === etag) return reply.code(304).header("etag", etag).send();
        let part: ByteRange | undefined;
        try {
          part = wanted(request.headers, etag, found.bytes);
        } catch (error) {
          reply.header("content-range", `bytes */${found.bytes}`);
          throw error;
        }
        const bytes = await deps.blobs.read(sha256, part);
        if (bytes === undefined) throw new HubError("NOT_FOUND", `blob ${sha256}: its file is gone`);
        headersOf(reply, etag, found.contentType in SHOWN ? found.contentType : BYTES, query.download);
        if (part === undefined) return reply.header("content-length", found.bytes).send(bytes);
        return reply
          .code(206)
          .header("content-range", `bytes ${part.from}-${part.to}/${found.bytes}`)
          .header("content-length", part.to - part.from + 1)
          .send(bytes);
      },
    }),
  ];
}
