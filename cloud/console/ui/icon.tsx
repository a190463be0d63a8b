const PATHS = {
  bell: "M8 2a4 4 0 0 0-4 4v3l-1.5 2.5h11L12 9V6a4 4 0 0 0-4-4ZM6.5 13.5a1.6 1.6 0 0 0 3 0",
  check: "m3 8.5 3.2 3.2L13 4.8",
  lock: "M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
  back: "M6 3.5 2.5 7 6 10.5M2.5 7H10a3.5 3.5 0 0 1 0 7H7",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  wrench: "M13.5 4.5a3.5 3.5 0 0 1-4.7 4.2l-4 4a1.4 1.4 0 0 1-2-2l4-4A3.5 3.5 0 0 1 11 2L9 4l.5 2.5L12 7z",
  filter: "M2 3h12L9.5 8.5v4l-3 1.5V8.5z",
  device: "M2.5 3.5h11v7h-11zM6 13.5h4M8 10.5v3",
  gateway: "M2.5 9.5h11v4h-11zM5 11.5h.01M8 6.5a3 3 0 0 1 0 3M5 5a4.5 4.5 0 0 1 6 0M3 2.8a7.5 7.5 0 0 1 10 0",
  rule: "M3 4a1.5 1.5 0 1 0 0-.01M3 12a1.5 1.5 0 1 0 0-.01M13 8a1.5 1.5 0 1 0 0-.01M4.5 4H7a2 2 0 0 1 2 2v0a2 2 0 0 0 2 2M4.5 12H7a2 2 0 0 0 2-2",
  audit: "M4 2.5h6l2.5 2.5v8.5H4zM6.5 7.5h4M6.5 10h4",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5Z",
  user: "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8ZM2.8 14a5.2 5.2 0 0 1 10.4 0",
  exit: "M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6",
  globe: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM2 8h12M8 2c2 2 2.5 4 2.5 6S10 12 8 14c-2-2-2.5-4-2.5-6S6 4 8 2",
  close: "m4 4 8 8M12 4l-8 8",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5l3 3",
  right: "m6 3.5 4.5 4.5L6 12.5",
  building: "M3.5 13.5v-11h6v11M9.5 6h3v7.5M1.5 13.5h13M5.5 5h2M5.5 7.5h2M5.5 10h2",
  floor: "m2 6 6-3.5L14 6 8 9.5zM2 10l6 3.5 6-3.5",
  room: "M3 13.5v-11h10v11zM10 8h.01",
  outdoor: "M8 14v-4M8 10a4 4 0 1 0-3.6-5.7A3 3 0 0 0 5 10z",
  camera: "M2.5 5h3l1-1.5h3l1 1.5h3v8h-11zM8 11a2.3 2.3 0 1 0 0-4.6A2.3 2.3 0 0 0 8 11Z",
  cloud: "M4.5 12.5a3 3 0 0 1-.3-6 4 4 0 0 1 7.7.8 2.6 2.6 0 0 1-.4 5.2z",
  edge: "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14",
  pen: "m3 13 .6-2.8L11 2.8l2.2 2.2-7.4 7.4z",
  refresh: "M13.5 8A5.5 5.5 0 1 1 11.7 4M13.5 2v3.5H10",
  warning: "M8 2.2 14.3 13.5H1.7zM8 6.5v3.2M8 11.7h.01",
  book: "M8 4C6.5 2.8 4.5 2.5 2.5 2.5v10c2 0 4 .3 5.5 1.5 1.5-1.2 3.5-1.5 5.5-1.5v-10C11.500 2.500 9.500 2.800 8 4ZM8 4v10",
} as const;

export type IconName = keyof typeof PATHS;

/** A line icon. It says nothing by itself: the text beside it, or a label on its button, does. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
