/**
 * The call's keys. Single letters act only outside text fields; Space belongs to a focused button.
 * Holding Space while muted opens the microphone; letting go, or losing the window, closes it again.
 */
import { useEffect, useRef } from "react";

export interface Keys {
  readonly toggleMicrophone: () => void;
  readonly toggleCaptions: () => void;
  readonly toggleChat: () => void;
  readonly leave: () => void;
  readonly escape: () => void;
  /** Returns false when there is nothing to hold: the microphone is on, or there is none. */
  readonly hold: () => boolean;
  readonly release: () => void;
}

export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });

  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    let holding = false;
    const release = () => {
      if (!holding) return;
      holding = false;
      latest.current.release();
    };
    const down = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") {
        latest.current.escape();
        return;
      }
      if (isText(event.target)) return;
      if (event.code === "Space" && !isControl(event.target)) {
        event.preventDefault();
        if (!event.repeat && !holding) holding = latest.current.hold();
        return;
      }
      if (event.repeat) return;
      if (event.shiftKey) {
        if (event.code === "KeyL") latest.current.leave();
        return;
      }
      const action = { m: "toggleMicrophone", c: "toggleCaptions", t: "toggleChat" } as const;
      const name = action[event.key as keyof typeof action] as (typeof action)[keyof typeof action] | undefined;
      if (name === undefined) return;
      event.preventDefault(); // or T would be typed into the chat it opens
      latest.current[name]();
    };
    const up = (event: KeyboardEvent) => {
      if (event.code === "Space") release();
    };
    window.addEventListener("keydown", down, { signal });
    window.addEventListener("keyup", up, { signal });
    window.addEventListener("blur", release, { signal });
    return () => {
      ending.abort();
      release();
    };
  }, []);
}

function isText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("button, a, summary") !== null;
}
