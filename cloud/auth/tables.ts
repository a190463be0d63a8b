/** Users, sessions and tokens. Session ids and tokens are kept only as SHA-256. */
export interface AccessTables {
  users: {
    name: string;
    display_name: string;
    password: string;
    /** JSON list of {role, space}. */
    grants: string;
    disabled: number;
    created_at: number;
    changed_at: number;
  };
  sessions: {
    hash: string;
    user: string;
    csrf: string;
    created_at: number;
    seen_at: number;
    ip: string;
  };
  tokens: {
    id: string;
    hash: string;
    user: string;
    name: string;
    grants: string;
    created_at: number;
    expires_at: number | null;
    used_at: number | null;
  };
}
