import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import type { Problem } from "#core/contracts/http.ts";
import { HubError } from "#core/errors.ts";
import type { Logger } from "#core/logger.ts";

/**
 * HTTP status of every code that may reach a client. A HubError whose code is not here is a fault of ours: 500. What ends
 * with 5xx keeps its text inside: it may hold SQL or paths.
 */
const STATUS: Readonly<Record<string, number>> = {
  VALIDATION: 400,
  CURSOR_INVALID: 400,
  ID_INVALID: 400,
  TIME_RANGE_INVALID: 400,
  INTERVAL_INVALID: 400,
  AGGREGATE_INVALID: 400,
  POINTS_TOO_MANY: 400,
  TIME_ZONE_INVALID: 400,
  HISTORY_RANGE_INVALID: 400,
  HISTORY_TOO_MANY_BUCKETS: 400,
  TOKEN_EXPIRY_INVALID: 400,
  KPI_RANGE_TOO_LARGE: 400,
  SPACE_UNKNOWN: 400,
  PERMIT_TIME_INVALID: 400,
  PERMIT_SCOPE_INVALID: 400,
  PASSWORD_TOO_SHORT: 400,
  PASSWORD_SAME: 400,
  PARAM_SECRET: 400,
  MQTT_NAME_RESERVED: 400,
  BLOB_HASH_MISMATCH: 400,
  BLOB_TYPE_INVALID: 400,
  NOTIFY_INVALID: 400,
  UNAUTHENTICATED: 401,
  SIGN_IN_REFUSED: 401,
  FORBIDDEN: 403,
  PASSWORD_WRONG: 403,
  ORIGIN_FOREIGN: 403,
  CSRF_MISSING: 403,
  GRANT_NOT_HELD: 403,
  NOT_FOUND: 404,
  DEFINITION_REASON_MISSING: 400,
  PROCEDURE_REASON_MISSING: 400,
  PROCEDURE_NAME_MISSING: 400,
  SECOND_PERSON_REQUIRED: 403,
  DEFINITION_UNKNOWN: 404,
  REVISION_UNKNOWN: 404,
  PROPOSAL_UNKNOWN: 404,
  PROCEDURE_UNKNOWN: 404,
  PROCEDURE_NONE: 404,
  PROCEDURE_STEP_UNKNOWN: 404,
  ALARM_UNKNOWN: 404,
  PERMIT_UNKNOWN: 404,
  POINT_UNKNOWN: 404,
  DEVICE_UNKNOWN: 404,
  RULE_UNKNOWN: 404,
  USER_UNKNOWN: 404,
  DOOR_UNKNOWN: 404,
  CERTIFICATE_UNKNOWN: 404,
  JOB_UNKNOWN: 404,
  HANDOVER_UNKNOWN: 404,
  POSITION_UNKNOWN: 404,
  NOTIFY_UNKNOWN: 404,
  ALARM_OCCURRENCE_STALE: 409,
  ALARM_STILL_ACTIVE: 409,
  ALARM_NOT_ACKNOWLEDGED: 409,
  ALARM_NOT_LATCHED: 409,
  ALARM_CLOSED: 409,
  ALARM_LAW_FORBIDS: 409,
  PERMIT_STATUS: 409,
  PERMIT_SAME_PERSON: 409,
  PERMIT_SCOPE_FORBIDDEN: 409,
  PERMIT_LIMIT: 409,
  ALARM_COMMENT_MISSING: 400,
  ALARM_ASSIGNEE_INVALID: 422,
  USER_EXISTS: 409,
  MQTT_CLIENT_EXISTS: 409,
  MQTT_CLIENT_LIMIT: 409,
  MQTT_NODE_TAKEN: 409,
  DEFINITION_EXISTS: 409,
  DEFINITION_STALE: 409,
  DEFINITION_PENDING: 409,
  DEFINITION_IN_USE: 409,
  DEFINITION_LAW_FORBIDS: 409,
  PROPOSAL_DECIDED: 409,
  PROCEDURE_EXISTS: 409,
  PROCEDURE_STALE: 409,
  PROCEDURE_NO_DRAFT: 409,
  PROCEDURE_ENDED: 409,
  PROCEDURE_STEP_DONE: 409,
  SITE_VERSION_STALE: 409,
  SHIFT_PLAN_STALE: 409,
  HANDOVER_SAME_PERSON: 409,
  HANDOVER_NOT_SIGNED: 409,
  HANDOVER_CLOSED: 409,
  HANDOVER_SIGNED: 409,
  HANDOVER_DISCARDED: 409,
  HANDOVER_STALE: 409,
  HANDOVER_OPEN: 409,
  NOTIFY_VERSION_STALE: 409,
  NOTIFY_IN_USE: 409,
  NOTIFY_TOO_MANY: 409,
  IDEMPOTENCY_CONFLICT: 409,
  CHANNEL_AMBIGUOUS: 409,
  BLOB_EXPIRED: 410,
  BLOB_TOO_LARGE: 413,
  EVIDENCE_TOO_LARGE: 413,
  RANGE_NOT_SATISFIABLE: 416,
  DEFINITION_INVALID: 422,
  PROCEDURE_INVALID: 422,
  NOTIFY_REFERENCE_UNKNOWN: 422,
  NOTIFY_UNREACHABLE: 422,
  POINT_NOT_WRITABLE: 422,
  VALUE_KIND: 422,
  VALUE_OUT_OF_RANGE: 422,
  ACTION_UNKNOWN: 422,
  PROPOSAL_NOT_APPLICABLE: 422,
  PROPOSAL_FORBIDDEN: 422,
  SIGN_IN_THROTTLED: 429,
  CREDENTIAL_BUSY: 503,
  EVIDENCE_BUSY: 503,
  KPI_BUSY: 503,
  DB_BUSY: 503,
  DB_FULL: 503,
  DB_UNAVAILABLE: 503,
  DB_COMMIT_UNKNOWN: 503,
  DB_IN_USE: 503,
  HISTORY_UNAVAILABLE: 503,
  HISTORY_UNAUTHORIZED: 503,
  HISTORY_NO_DATABASE: 503,
  HISTORY_BUSY: 503,
  HISTORY_THREAD: 503,
  HISTORY_CLOSED: 503,
  PRESETS_FAILED: 504,
  SNAPSHOT_FAILED: 504,
  SNAPSHOT_TIMEOUT: 504,
};
/** What fails beyond a gateway is the field's, and told in its words. */
const OF_THE_FIELD = new Set(["PRESETS_FAILED", "SNAPSHOT_FAILED", "SNAPSHOT_TIMEOUT"]);

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  410: "Gone",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

/** Codes of the HTTP layer itself, by Fastify's code. */
const FASTIFY_CODES: Readonly<Record<string, string>> = {
  FST_ERR_VALIDATION: "VALIDATION",
  FST_ERR_CTP_INVALID_JSON_BODY: "BODY_NOT_JSON",
  FST_ERR_CTP_EMPTY_JSON_BODY: "BODY_EMPTY",
  FST_ERR_CTP_BODY_TOO_LARGE: "BODY_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "MEDIA_TYPE",
};

/** A problem document. @see RFC 9457 */
export function problem(status: number, code: string, detail?: string, errors?: Problem["errors"]): Problem {
  return {
    type: "about:blank",
    title: TITLES[status] ?? "Error",
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(errors === undefined ? {} : { errors }),
  };
}

/** Sends a problem document. */
export function sendProblem(reply: FastifyReply, document: Problem): FastifyReply {
  return reply.code(document.status).type("application/problem+json").send(document);
}

/** A thrown thing as a problem document. Nothing of a fault of ours is told but that it happened. */
export function problemOf(error: unknown): Problem {
  if (error instanceof HubError) {
    const known = STATUS[error.code] ?? (error.code.startsWith("ALARM_") ? 409 : undefined);
    if (known === undefined) return problem(500, "INTERNAL");
    return known >= 500 && !OF_THE_FIELD.has(error.code)
      ? problem(known, error.code)
      : problem(known, error.code, error.message);
  }
  return error instanceof Error ? problemOfFastify(error as FastifyError) : problem(500, "INTERNAL");
}

function problemOfFastify(error: FastifyError): Problem {
  if (error.validation) {
    const errors = error.validation.map((fault) => {
      const extra = fault.params["additionalProperty"];
      const place = `${error.validationContext ?? ""}${fault.instancePath}`;
      return {
        path: place,
        message: `${fault.message ?? fault.keyword}${extra === undefined ? "" : `: ${String(extra)}`}`,
      };
    });
    return problem(400, "VALIDATION", error.message, errors);
  }
  const code = FASTIFY_CODES[error.code];
  const status = error.statusCode ?? 500;
  // A library's own text is passed on only where it is known to say nothing but what the client did.
  if (status < 400 || status >= 500) return problem(500, "INTERNAL");
  return code === undefined ? problem(status, "BAD_REQUEST") : problem(status, code, error.message);
}

/** Fastify's error handler: every failure as a problem document; what is our own fault is logged, and its text kept inside. */
export function problemHandler(logger: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const document = problemOf(error);
    if (document.status >= 500 && !OF_THE_FIELD.has(document.code))
      logger.error({ err: error, method: request.method, url: request.routeOptions.url }, "request failed");
    return sendProblem(reply, document);
  };
}
