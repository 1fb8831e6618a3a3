/** @file The studio's own icons: 16-px line drawings in the colour of the text around them. */

import type { JSX } from "react";

const paths = {
  studio: "M2.5 4.5h6M11.5 4.5h2M2.5 8h2M7.5 8h6M2.5 11.5h5M10.5 11.5h3M8.5 3v3M4.5 6.5v3M7.5 10v3",
  models: "M8 2 14 5 8 8 2 5ZM2 8l6 3 6-3M2 11l6 3 6-3",
  datasets: "M2.5 3.5h11v9h-11ZM2.5 6.5h11M2.5 9.5h11M6.5 3.5v9",
  runs: "M2.5 2.5v11h11M4.5 6c2.5 0 2.5 5 5 5s1.5-2 4-2",
  playground: "M2.5 3.5h11v7h-6l-3 2.5v-2.5h-2ZM5 6h6M5 8h4",
  settings:
    "M8 5.7a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6ZM8 2v1.8M8 12.2V14M2 8h1.8M12.2 8H14M3.8 3.8 5 5M11 11l1.2 1.2M12.2 3.8 11 5M5 11l-1.2 1.2",
  play: "M5 3.2v9.6L12.6 8Z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  stop: "M4 4h8v8H4Z",
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5 6.5 12 13 4.5",
  warning: "M8 2.5 14.2 13H1.8ZM8 6.5V9.5M8 11.2v.3",
  info: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM8 7.2v4M8 4.8v.3",
  error: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2ZM8 4.8v4M8 10.9v.3",
  down: "M4 6l4 4 4-4",
  up: "M4 10l4-4 4 4",
  left: "M10 4 6 8l4 4",
  right: "M6 4l4 4-4 4",
  download: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M2.5 13.5h11",
  upload: "M8 10.5V3M4.8 6 8 2.8 11.2 6M2.5 13.5h11",
  trash: "M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 9h5.8l.6-9M6.8 7v4M9.2 7v4",
  copy: "M5.5 5.5h8v8h-8ZM10.5 5.5v-3h-8v8h3",
  link: "M7 9a2.5 2.5 0 0 0 3.6.2l2-2A2.5 2.5 0 0 0 9 3.6L8 4.7M9 7a2.5 2.5 0 0 0-3.6-.2l-2 2A2.5 2.5 0 0 0 7 12.4l1-1.1",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.3 10.3 14 14",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  reset: "M3 8a5 5 0 1 0 1.6-3.6M3 2.5v3h3",
  file: "M4 2h5.5L12.5 5v9h-8.5ZM9.5 2v3h3",
  code: "M5.5 4.5 2 8l3.5 3.5M10.5 4.5 14 8l-3.5 3.5",
  chip: "M4.5 4.5h7v7h-7ZM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14",
  memory: "M2 5h12v6.5H2ZM4.5 5v3M7 5v3M9.5 5v3M12 5v3M4 11.5v1.5M8 11.5v1.5M12 11.5v1.5",
  system: "M2 3h12v8H2ZM5.5 13.5h5M8 11v2.5",
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  moon: "M13 9.6A5.6 5.6 0 0 1 6.4 3a5.6 5.6 0 1 0 6.6 6.6Z",
  pin: "M8 9.5V14M5 2.5h6M6 2.5v3.2L4 9.5h8l-2-3.8V2.5",
  thumbUp: "M5.5 7 8 2.5c1 0 1.5.8 1.3 1.8L9 6.5h3.5c.8 0 1.3.7 1.1 1.5l-1 4c-.2.6-.6 1-1.2 1H5.5ZM2.5 7h3v6h-3Z",
  thumbDown: "M5.5 9 8 13.5c1 0 1.5-.8 1.3-1.8L9 9.5h3.5c.8 0 1.3-.7 1.1-1.5l-1-4c-.2-.6-.6-1-1.2-1H5.5ZM2.5 9h3V3h-3Z",
  image: "M2.5 3h11v10h-11ZM2.5 11l3.5-3.5 2.5 2.5L11 7.5l2.5 2.5M5.5 5.5v.01",
} as const;

export type IconName = keyof typeof paths;

/** Decorative: the words beside it, or its button's label, carry the meaning. */
export function Icon({
  name,
  size = 16,
  className,
}: {
  name: IconName;
  size?: number;
  className?: string;
}): JSX.Element {
  return (
    <svg
      viewBox="0 0 16 16"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 2 : 1.4}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={`shrink-0 ${className ?? ""}`}
    >
      <path d={paths[name]} />
    </svg>
  );
}
