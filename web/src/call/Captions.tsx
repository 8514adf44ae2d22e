/**
 * The words on the picture. What is seen is hidden from screen readers, which get whole sentences in a
 * log instead: two voices must not talk at once, one word at a time.
 */
import { useEffect, useRef, useState } from "react";
import { caption, finishedLines, STAYS_MS } from "./captions";
import type { Conversation } from "./conversation";
import { words } from "../words";

const LINES = 2;
const LOG_LINES = 4;

interface Props {
  readonly talk: Conversation;
  readonly name: string;
  /** A screen reader reads them. */
  readonly aloud: boolean;
}

export function Captions({ talk, name, aloud }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const perPage = useCapacity(box);
  const shown = caption(talk, perPage);
  // what is written meanwhile does not bring a caption back
  const gone = useExpired(shown === null || shown.open ? null : `${shown.id}/${shown.words}`);
  return (
    <>
      <div className="vh" role="log" aria-live={aloud ? "polite" : "off"} aria-label={words().call.captionLog}>
        {finishedLines(talk, name, LOG_LINES).map((line, index) => (
          <p key={`${index} ${line}`}>{line}</p>
        ))}
      </div>
      <div className="caps" data-from={shown?.from} ref={box} aria-hidden="true" hidden={shown === null || gone}>
        {shown?.said != null && <span className="said"><b>{words().you}</b> {shown.said}</span>}
        {shown?.from === "you" ? (
          <span className="said own"><b>{words().you}</b> {shown.words}</span>
        ) : (
          <>
            {shown?.words}
            {shown !== null && shown.current !== "" && <mark>{shown.current}</mark>}
          </>
        )}
      </div>
    </>
  );
}

/** How many characters two lines of the caption box hold. */
function useCapacity(box: React.RefObject<HTMLDivElement | null>): number {
  const [capacity, setCapacity] = useState(80);
  useEffect(() => {
    const stage = box.current?.parentElement;
    if (stage == null) return;
    const measure = () => {
      const element = box.current;
      if (element === null || element.clientWidth === 0) return;
      const style = getComputedStyle(element);
      const width = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      // an average letter of the text face is 0.53 em wide; a line loses half a word at its end
      setCapacity(Math.max(24, Math.floor(width / (parseFloat(style.fontSize) * 0.53) - 3) * LINES));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(stage);
    if (box.current !== null) observer.observe(box.current);
    return () => {
      observer.disconnect();
    };
  }, [box]);
  return capacity;
}

/** True some seconds after `what` stopped changing; null never expires. */
function useExpired(what: string | null): boolean {
  const [expired, setExpired] = useState<string | null>(null);
  useEffect(() => {
    if (what === null) return;
    const timer = setTimeout(() => {
      setExpired(what);
    }, STAYS_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [what]);
  return what !== null && expired === what;
}
