/** The line icons of the design, 24 units square. Decoration only: the word beside them says it. */
import type { ReactNode } from "react";

const SHAPES = {
  mic: <><rect x="9" y="3" width="6" height="11" rx="3" /><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3" /></>,
  "mic-off": <path d="M9 6.2A3 3 0 0 1 15 6v4.5m-.4 2.6A3 3 0 0 1 9 11V9.5M5.5 11.5a6.5 6.5 0 0 0 10.6 5M18.5 11.5c0 .8-.1 1.5-.4 2.2M12 18v3M4 3.5l16 17" />,
  captions: <><rect x="3" y="5" width="18" height="14" rx="3" /><path d="M10.6 10.4a2.3 2.3 0 1 0 0 3.2M17 10.4a2.3 2.3 0 1 0 0 3.2" /></>,
  chat: <path d="M12 4c5 0 8.8 3.2 8.8 7.3 0 4-3.8 7.2-8.8 7.2-.9 0-1.8-.1-2.6-.3L5 20.5l.7-3.7c-1.6-1.4-2.5-3.3-2.5-5.5C3.2 7.2 7 4 12 4Z" />,
  leave: <path d="M3.3 14.7c-1-2 .8-4.7 4-5.9a14 14 0 0 1 9.4 0c3.2 1.2 5 3.9 4 5.9-.4.8-1.2 1-2 .8l-2.6-.7c-.8-.2-1.3-.9-1.3-1.7v-1.2a10 10 0 0 0-5.6 0v1.2c0 .8-.5 1.5-1.3 1.7l-2.6.7c-.8.2-1.6 0-2-.8Z" />,
  clock: <><circle cx="12" cy="12" r="8.5" /><path d="M12 7v5.3l3.3 2" /></>,
  info: <><circle cx="12" cy="12" r="8.5" /><path d="M12 11v5" /><circle className="f" cx="12" cy="8" r="1.1" /></>,
  check: <path d="m5 12.5 4.5 4.5L19 7.5" />,
  minus: <path d="M6 12h12" />,
  cross: <path d="m6 6 12 12M18 6 6 18" />,
  again: <path d="M19.5 12a7.5 7.5 0 1 1-2.3-5.4L19.5 9m0-5v5h-5" />,
  keyboard: <><rect x="3" y="6.5" width="18" height="11" rx="2.5" /><path d="M8 14h8M7 10.3h.01M10.3 10.3h.01M13.7 10.3h.01M17 10.3h.01" /></>,
  sound: <><path d="M4 9.8v4.4h3.2L12 18.5v-13L7.2 9.8H4Z" /><path d="M15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11" /></>,
  "sound-off": <path d="M4 9.8v4.4h3.2L12 18.5v-13L7.2 9.8H4Zm12.5-.3 5 5m0-5-5 5" />,
  copy: <><rect x="8.5" y="8.5" width="11.5" height="11.5" rx="2.5" /><path d="M15.5 8.5V6.2A2.2 2.2 0 0 0 13.3 4H6.2A2.2 2.2 0 0 0 4 6.2v7.1a2.2 2.2 0 0 0 2.2 2.2h2.3" /></>,
  send: <path d="M5 12h13m-5.5-5.5L18 12l-5.5 5.5" />,
  offline: <path d="M3.5 9.5a12.6 12.6 0 0 1 4.2-2.7m4-.8c3.2 0 6.4 1.2 8.8 3.5M6.8 13a7.8 7.8 0 0 1 3.7-1.9m3.9.4a7.8 7.8 0 0 1 2.8 1.5M9.8 16.3a3.6 3.6 0 0 1 4.4 0M4 3.5l16 17" />,
  ear: <path d="M7 10a5 5 0 0 1 10 0c0 3.4-3 4-3 7a3 3 0 0 1-5.3 1.9M9.8 10.4a2.3 2.3 0 1 1 4 1.5c-.9.8-1.6 1.3-1.6 2.6" />,
  dots: <><circle className="f" cx="5.5" cy="12" r="1.7" /><circle className="f" cx="12" cy="12" r="1.7" /><circle className="f" cx="18.5" cy="12" r="1.7" /></>,
  pause: <path d="M8.5 6v12M15.5 6v12" />,
  lock: <><rect x="5" y="10.5" width="14" height="9.5" rx="2.5" /><path d="M8 10.5V8a4 4 0 0 1 8 0v2.5" /></>,
  tune: <><path d="M4 8h9m5 0h2M4 16h2m5 0h9" /><circle cx="15.5" cy="8" r="2.3" /><circle cx="8.5" cy="16" r="2.3" /></>,
  picture: <><rect x="3.5" y="4.5" width="17" height="15" rx="3" /><circle cx="9" cy="10" r="1.7" /><path d="m4 17 4.7-4 3.3 2.7 3.6-3.7 4.7 4.5" /></>,
  upload: <path d="M12 15.5V4.5m-4 4 4-4 4 4M4.5 15v2.5a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2V15" />,
  camera: <><path d="M4 8.5A2 2 0 0 1 6 6.5h1.8L9.2 4.5h5.6l1.4 2H18a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2Z" /><circle cx="12" cy="12.5" r="3.3" /></>,
  down: <path d="m6 9.5 6 6 6-6" />,
  video: <><rect x="3" y="6.5" width="12.5" height="11" rx="3" /><path d="m15.5 11 5-3v8l-5-3" /></>,
  "video-off": <path d="M8 6.5h4.5a3 3 0 0 1 3 3V11l5-3v8l-2-1.2M15.3 15.6a3 3 0 0 1-2.8 1.9H6a3 3 0 0 1-3-3v-5a3 3 0 0 1 2.2-2.9M4 3.5l16 17" />,
  share: <><rect x="3" y="4.5" width="18" height="13" rx="2.5" /><path d="M8.5 20.5h7M12 14V8.5m-2.7 2.6L12 8.4l2.7 2.7" /></>,
  "small-window": <><rect x="3" y="5" width="18" height="14" rx="3" /><rect className="f" x="12" y="11.5" width="6.5" height="5" rx="1.2" /></>,
  "full-screen": <path d="M4.5 9V5.5a1 1 0 0 1 1-1H9m6 0h3.5a1 1 0 0 1 1 1V9m0 6v3.5a1 1 0 0 1-1 1H15m-6 0H5.5a1 1 0 0 1-1-1V15" />,
  pulse: <path d="M3 13h3.5l2.5-7 4 12 2.8-8 1.4 3H21" />,
  face: <><circle cx="12" cy="12" r="8.5" /><path d="M8.5 14.2c.9 1.4 2.1 2 3.5 2s2.6-.6 3.5-2" /><circle className="f" cx="9.2" cy="10" r="1.2" /><circle className="f" cx="14.8" cy="10" r="1.2" /></>,
  download: <path d="M12 4.5v10m-4-3.8 4 4 4-4M5 19.5h14" />,
  onward: <path d="m9 5.5 6.5 6.5L9 18.5" />,
  play: <path className="f" d="M8 5.5v13l10.5-6.5Z" />,
  people: <><circle cx="9" cy="9" r="3.2" /><path d="M3.5 19c.4-3.2 2.6-5 5.5-5s5.1 1.8 5.5 5M15.5 6.2a3.2 3.2 0 0 1 0 5.6M17.5 14.4c1.8.7 2.8 2.3 3 4.6" /></>,
  globe: <><circle cx="12" cy="12" r="8.5" /><path d="M3.5 12h17M12 3.5c2.4 2.3 3.6 5.1 3.6 8.5s-1.2 6.2-3.6 8.5c-2.4-2.3-3.6-5.1-3.6-8.5s1.2-6.2 3.6-8.5Z" /></>,
  bin: <path d="M4.5 7h15m-9.5 0V4.5h4V7M6.5 7l.8 12.5h9.4L17.5 7M10.3 10.5v5.5m3.4-5.5v5.5" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, small = false }: { name: IconName; small?: boolean }) {
  return (
    <svg className={small ? "i s" : "i"} viewBox="0 0 24 24" aria-hidden="true">
      {SHAPES[name]}
    </svg>
  );
}
