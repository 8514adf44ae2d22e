/** What the persona is doing, in a word. Spoken to a screen reader at most once per second. */
import { useEffect, useRef, useState } from "react";
import { Voice } from "../parts/Bars";
import { Icon, type IconName } from "../parts/Icon";
import { badgeWord, type Badge } from "./state";

const ICONS: Record<Exclude<Badge, "speaking">, IconName> = {
  uninitialised: "clock",
  joining: "clock",
  listening: "ear",
  thinking: "dots",
  paused: "pause",
  "voice-only": "sound",
  "in-writing": "keyboard",
  reconnecting: "offline",
  error: "offline",
  ended: "leave",
};

export function StateBadge({ shown, name }: { shown: Badge; name: string }) {
  const word = badgeWord(shown, name);
  const said = useCalmed(word, 1000);
  return (
    <>
      <span className="badge" data-state={shown} aria-hidden="true">
        {shown === "speaking" ? <Voice /> : <Icon name={ICONS[shown]} small />}
        {word}
      </span>
      <span className="vh" role="status">{said}</span>
    </>
  );
}

/** `value`, changing at most once per `ms`; the last change always arrives. */
function useCalmed(value: string, ms: number): string {
  const [calm, setCalm] = useState(value);
  const last = useRef(0);
  useEffect(() => {
    const timer = setTimeout(() => {
      last.current = performance.now();
      setCalm(value);
    }, Math.max(0, last.current + ms - performance.now()));
    return () => {
      clearTimeout(timer);
    };
  }, [value, ms]);
  return calm;
}
