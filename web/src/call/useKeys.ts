/**
 * Listens to the call's keys. Letters act only outside text fields; Space belongs to a focused button
 * other than the microphone's. Holding Space talks; letting go, or losing the window, ends that, and
 * Escape takes back what was said. While a dialog is open every key is the dialog's.
 */
import { useEffect, useRef } from "react";
import { actionOf, type Action } from "./keys";

export interface KeyHandlers {
  readonly letters: boolean;
  readonly act: (action: Action) => void;
  readonly escape: () => void;
  /** Returns false when there is nothing to hold: the microphone is on, or there is none. */
  readonly hold: () => boolean;
  readonly release: () => void;
  readonly cancel: () => void;
}

export function useKeys(handlers: KeyHandlers): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
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
    const hold = (event: KeyboardEvent) => {
      if (!event.repeat && !holding) holding = latest.current.hold();
      // on the microphone's own button an unheld Space is a press
      if (holding || !isControl(event.target)) event.preventDefault();
    };
    const escape = () => {
      if (holding) {
        holding = false;
        latest.current.cancel();
      } else {
        latest.current.escape();
      }
    };
    const down = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector("dialog[open]") !== null) return;
      if (event.key === "Escape") {
        escape();
      } else if (isText(event.target)) {
        return;
      } else if (event.code === "Space") {
        if (!isControl(event.target) || isTalk(event.target)) hold(event);
      } else if (!event.repeat) {
        const action = actionOf(event, latest.current.letters);
        if (action === null) return;
        event.preventDefault(); // or T would be typed into the chat it opens
        latest.current.act(action);
      }
    };
    const up = (event: KeyboardEvent) => {
      if (event.code !== "Space" || !holding) return;
      event.preventDefault(); // or the focused microphone button would be pressed as well
      release();
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

function within(target: EventTarget | null, selector: string): boolean {
  return target instanceof HTMLElement && target.closest(selector) !== null;
}

function isText(target: EventTarget | null): boolean {
  return within(target, "input:not([type=range]), textarea, select, [contenteditable]");
}

function isControl(target: EventTarget | null): boolean {
  return within(target, "button, a, summary");
}

function isTalk(target: EventTarget | null): boolean {
  return within(target, "[data-talk]");
}
