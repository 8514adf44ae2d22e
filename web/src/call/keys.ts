/**
 * The call's keys, in one table: what is pressed and what it does; words/ says it.
 * Single letters can be switched off (WCAG 2.1.4), for people whose speech input types them. Pure but
 * for the two functions that keep that switch in this browser.
 */

export type Action =
  | "microphone"
  | "camera"
  | "share"
  | "captions"
  | "chat"
  | "hood"
  | "fullScreen"
  | "devices"
  | "switch"
  | "leave"
  | "keys";

interface Key {
  readonly action: Action;
  /** As the list shows it. */
  readonly shown: string;
  /** `KeyboardEvent.key`, in lower case. */
  readonly key: string;
  readonly shift: boolean;
}

export const KEYS: readonly Key[] = [
  { action: "microphone", shown: "M", key: "m", shift: false },
  { action: "camera", shown: "V", key: "v", shift: false },
  { action: "share", shown: "S", key: "s", shift: false },
  { action: "captions", shown: "C", key: "c", shift: false },
  { action: "chat", shown: "T", key: "t", shift: false },
  { action: "hood", shown: "U", key: "u", shift: false },
  { action: "fullScreen", shown: "F", key: "f", shift: false },
  { action: "devices", shown: "D", key: "d", shift: false },
  { action: "switch", shown: "N", key: "n", shift: false },
  { action: "leave", shown: "Shift L", key: "l", shift: true },
  { action: "keys", shown: "?", key: "?", shift: true },
];

type Pressed = Pick<KeyboardEvent, "key" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey">;

/** What a key press means, or null. `letters` false: single letters mean nothing. */
export function actionOf(pressed: Pressed, letters: boolean): Action | null {
  if (pressed.ctrlKey || pressed.metaKey || pressed.altKey) return null;
  const key = pressed.key.toLowerCase();
  // where ? needs no Shift it is still the list of keys
  const found = KEYS.find((one) => one.key === key && (one.shift === pressed.shiftKey || one.key === "?"));
  if (found === undefined || (!letters && !found.shift)) return null;
  return found.action;
}

const KEPT_AS = "visavis.letters";

export function loadLetters(): boolean {
  try {
    return localStorage.getItem(KEPT_AS) !== "off";
  } catch {
    return true; // storage is blocked
  }
}

export function keepLetters(on: boolean): void {
  try {
    localStorage.setItem(KEPT_AS, on ? "on" : "off");
  } catch {
    // storage is blocked: the switch holds for this call
  }
}
