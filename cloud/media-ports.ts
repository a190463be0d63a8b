import type { Readable } from "node:stream";
import type { CommandRequest, CommandView } from "#core/contracts/commands.ts";
import type { GatewayId } from "#core/ids.ts";
import type { Actor } from "./ports.ts";

/*
 * What the domains of the cloud ask of each other about pictures and video. As in ports.ts, each is implemented in its own
 * folder and handed over by app.ts.
 */

/** What blobs are kept for; each class has its own length of time. */
export type BlobClass = "picture" | "snapshot" | "clip" | "result";

/** That a domain refers to a blob. */
export interface BlobUse {
  readonly sha256: string;
  /** picture: taken by hand; snapshot: with an alarm or a run; clip: video; result: what a device action produced. */
  readonly class: BlobClass;
  /** It belongs to something that is not over: it is not removed, whatever its age. */
  readonly held: boolean;
}

/** A domain that refers to blobs. */
export interface BlobUser {
  /** Which of these blobs the domain refers to. */
  usesOf(hashes: readonly string[]): readonly BlobUse[];
  /** Their bytes are gone: the domain drops what is no record of its own. */
  forget(hashes: readonly string[]): void;
}

/** A blob as it is told: its bytes are there, or were removed by the retention rules. Times are Unix ms. */
export type BlobState =
  | { readonly state: "here"; readonly contentType: string; readonly bytes: number; readonly storedAt: number }
  | { readonly state: "expired"; readonly removedAt: number };

/** Bytes by their SHA-256. */
export interface BlobStore {
  /** Stores when the hash fits. @throws BLOB_HASH_MISMATCH, BLOB_TOO_LARGE, BLOB_TYPE_INVALID, BLOB_IO */
  put(sha256: string, contentType: string, bytes: Uint8Array): Promise<void>;
  /** What is known of a blob; undefined for one that never came. */
  find(sha256: string): BlobState | undefined;
  /** What is known of each of these that ever came. */
  states(hashes: readonly string[]): ReadonlyMap<string, BlobState["state"]>;
  /** Its bytes from `from` to `to`, both inclusive, as they are read from the disk; undefined when the file is gone. @throws BLOB_IO */
  read(sha256: string, range?: { readonly from: number; readonly to: number }): Promise<Readable | undefined>;
  /** Told each blob that has been stored. Returns how to stop. */
  onStored(listener: (sha256: string, bytes: number) => void): () => void;
}

/** Which domain a blob belongs to, and thereby who may see it. */
export interface BlobIndex {
  /** What a caller must hold for this blob and where; one of them is enough. `space` undefined: the whole site. */
  guards(sha256: string): readonly { readonly permission: string; readonly space: string | undefined }[];
}

/** One side of a WebSocket, as far as the video relay needs it. */
export interface VideoSocket {
  /** Bytes that are not yet on their way. */
  readonly bufferedAmount: number;
  sendText(text: string): void;
  sendBinary(message: Uint8Array): void;
  close(code: number, reason: string): void;
}

/** What a gateway's socket hands to the relay. */
export interface GatewayVideoLine {
  text(message: string): void;
  binary(message: Uint8Array): void;
  /** The connection is gone. */
  closed(): void;
}

export type VideoQuality = "main" | "sub";

/** Live video from gateways to pages. */
export interface VideoService {
  /** A gateway has connected; an older connection of it is closed. */
  connect(gateway: GatewayId, socket: VideoSocket): GatewayVideoLine;
  /** Somebody watches a camera until the returned function is called. */
  watch(camera: string, quality: VideoQuality, viewer: VideoSocket): () => void;
}

/** Pictures taken for somebody who looks. */
export interface SnapshotService {
  /**
   * SHA-256 of a picture of the camera that is at most a second old.
   * @throws SNAPSHOT_FAILED, SNAPSHOT_TIMEOUT
   */
  take(camera: string, actor: Actor): Promise<string>;
}

/** A preset that a camera holds. */
export interface CameraPreset {
  /** Token. */
  readonly preset: string;
  readonly name: string;
}

/** Presets as the cameras themselves tell them. */
export interface PresetService {
  /** Those that are not among `named` (tokens), at most half a minute old, as is that it told none. @throws PRESETS_FAILED */
  beside(camera: string, named: readonly string[], actor: Actor): Promise<readonly CameraPreset[]>;
}

/** Commands whose end is waited for. */
export interface CommandPerformer {
  /** Resolves when the command has ended. */
  perform(order: {
    readonly request: CommandRequest;
    readonly requestedBy: string;
    readonly ip?: string;
    /** Neither audited nor kept once it has ended, unless the hub restarts before that; a refusal is audited all the same. */
    readonly quiet?: boolean;
  }): Promise<CommandView>;
}
