/** Rows of the shifts. Retention: handovers are records of who was responsible for the park, two a day, and are kept. */
export interface ShiftTables {
  /** When shifts begin, version after version; a few in the life of a site. */
  shift_plans: {
    version: number;
    /** JSON: minutes after local midnight, ascending. */
    starts: string;
    reason: string;
    changed_by: string;
    changed_at: number;
  };
  shift_handovers: {
    id: string;
    /** Operator position that is handed over; null: the whole site. */
    position: string | null;
    shift_from: number;
    shift_to: number;
    status: "draft" | "signed" | "closed" | "discarded";
    /** Grows with every change, so that nobody writes over what somebody else wrote. */
    revision: number;
    notes: string;
    drafted_by: string;
    outgoing: string | null;
    outgoing_at: number | null;
    incoming: string | null;
    incoming_at: number | null;
    /** The HandoverContent as JSON; of a closed one exactly what was signed; of a discarded one also `discarded`. */
    content: string;
    /** SHA-256 over what was signed; null until both have. */
    sha256: string | null;
    created_at: number;
    /** 1 until it is closed or discarded: at most one of a shift and position is open. */
    open: number;
  };
}
