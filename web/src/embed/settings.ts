/**
 * What the address asks of the page: ?embed=1 in another page's frame, ?persona= who is there, ?start=1
 * to begin at once (the person has pressed a button outside the frame). Pure but for `settings`.
 */

export interface Settings {
  /** Shown small, in a frame of another page. */
  readonly embedded: boolean;
  /** The only persona to show; null: all. */
  readonly persona: string | null;
  readonly startAtOnce: boolean;
  readonly theme: "light" | "dark" | null;
}

export function parseSettings(search: string): Settings {
  const asked = new URLSearchParams(search);
  const theme = asked.get("theme");
  return {
    embedded: asked.get("embed") === "1",
    persona: asked.get("persona"),
    startAtOnce: asked.get("embed") === "1" && asked.get("start") === "1",
    theme: theme === "light" || theme === "dark" ? theme : null,
  };
}

export const settings = (): Settings => parseSettings(location.search);

/** Asks the page around the frame to put it away; element.ts listens. Nothing of the call is told. */
export function askToClose(): void {
  window.parent.postMessage({ type: "visavis:close" }, "*");
}
