/** A persona's five silent seconds over its still picture, while they are wanted; fetched only then. */
import { useEffect, useRef, useState } from "react";
import type { Persona } from "../api";

interface Props {
  readonly persona: Persona;
  readonly plays: boolean;
  readonly onEnded: () => void;
}

/** A pointer that only passes by fetches nothing. */
const RESTS_MS = 120;

export function MovingPreview({ persona, plays, onEnded }: Props) {
  const video = useRef<HTMLVideoElement>(null);
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (!plays) return;
    const element = video.current;
    const timer = setTimeout(() => {
      void element?.play().catch(() => undefined); // a browser that plays nothing shows the still
    }, RESTS_MS);
    return () => {
      clearTimeout(timer);
      element?.pause();
      setPlaying(false);
    };
  }, [plays]);
  if (persona.preview === null) return null;
  return (
    <video
      ref={video}
      className={playing ? "preview-clip on" : "preview-clip"}
      src={plays ? persona.preview : undefined}
      width={512}
      height={512}
      muted
      playsInline
      aria-hidden="true"
      tabIndex={-1}
      onPlaying={() => { setPlaying(true); }}
      onEnded={onEnded}
    />
  );
}
