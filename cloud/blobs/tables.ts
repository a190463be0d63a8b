/** What is known of stored blobs. Retention: `retention.ts`, by class, age and disk limit. */
export interface BlobTables {
  /** The bytes are a file named by the hash. */
  blobs: {
    sha256: string;
    content_type: string;
    /** Bytes. */
    size: number;
    created_at: number;
    /** When the retention rules took the bytes away; null while they are there. The row stays as long as a record names it. */
    removed_at: number | null;
  };
}
