import type { Alarm } from "#core/model/alarm.ts";
import type { OperatorPosition, PositionDirectory } from "../alarm-ports.ts";
import type { NotifyBook } from "./book.ts";

/** The operator positions as the book has them. */
export class Positions implements PositionDirectory {
  readonly #book: NotifyBook;
  readonly #spacesBelow: (space: string) => ReadonlySet<string>;
  /** Asked for each alarm of a flood: the tree is walked once. */
  readonly #known = new Map<string, ReadonlySet<string>>();
  readonly #listeners: (() => void)[] = [];

  /** `below`: a space and all that lies below it. `onSiteChange` calls when that may have changed. */
  constructor(
    book: NotifyBook,
    below: (space: string) => ReadonlySet<string>,
    onSiteChange: (listener: () => void) => void,
  ) {
    this.#book = book;
    this.#spacesBelow = below;
    onSiteChange(() => this.#known.clear());
    let before = JSON.stringify(this.positions());
    book.onChange(() => {
      this.#known.clear();
      const now = JSON.stringify(this.positions());
      if (now === before) return;
      before = now;
      for (const listener of this.#listeners) listener();
    });
  }

  /** Called after each change of a position, and of nothing else of the book. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  positions(): readonly OperatorPosition[] {
    return this.#book.list("positions").map(({ id, document }) => ({ id, ...document }));
  }

  of(alarm: Pick<Alarm, "area" | "category">): readonly OperatorPosition[] {
    return this.positions().filter((position) => this.#looksAfter(position, alarm));
  }

  /** Does the position look after the alarm? One that lies nowhere belongs to whoever looks after the whole site. */
  looksAfter(position: string, alarm: Pick<Alarm, "area" | "category">): boolean {
    const kept = this.#book.get("positions", position);
    return kept !== undefined && this.#looksAfter(kept.document, alarm);
  }

  #looksAfter(
    { areas, categories }: Pick<OperatorPosition, "areas" | "categories">,
    { area, category }: Pick<Alarm, "area" | "category">,
  ): boolean {
    if (categories.length > 0 && !categories.includes(category)) return false;
    if (areas.length === 0) return true;
    return area !== undefined && areas.some((space) => this.#below(space).has(area));
  }

  #below(space: string): ReadonlySet<string> {
    const known = this.#known.get(space) ?? this.#spacesBelow(space);
    this.#known.set(space, known);
    return known;
  }
}
