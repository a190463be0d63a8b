import { Cell } from "./live/cell.ts";

/** Where the console is: the path and the query of the address. */
export interface Place {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

/** What of the browser the router needs. */
export interface AddressBar {
  /** Path and query, as in `/alarms?alarm=1`. */
  read(): string;
  write(address: string, replace: boolean): void;
  /** Back and forward. */
  onMove(listener: () => void): void;
}

/** Path and query of an address. */
export function parseAddress(address: string): Place {
  const [path = "/", query = ""] = address.split("?", 2);
  return { path: path === "" ? "/" : path, query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a place; empty query values are left out. */
export function addressOf(path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? "") !== "");
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

/** The console's address, watched. */
export class Router {
  readonly place: Cell<Place>;
  readonly #bar: AddressBar;

  constructor(bar: AddressBar) {
    this.#bar = bar;
    this.place = new Cell(parseAddress(bar.read()));
    bar.onMove(() => this.place.set(parseAddress(bar.read())));
  }

  /** Goes somewhere; with `replace` the way back does not lead through where one was. */
  go(address: string, { replace = false }: { replace?: boolean } = {}): void {
    if (address === this.#bar.read()) return;
    this.#bar.write(address, replace);
    this.place.set(parseAddress(address));
  }
}
