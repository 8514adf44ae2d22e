/** A persona's still picture; a persona without one shows the mark on its own backdrop. */
import { useState, type CSSProperties } from "react";
import type { Persona } from "../api";
import { Mark } from "./Mark";

export function Portrait({ persona, alt }: { persona: Persona; alt: string }) {
  const [broken, setBroken] = useState(false);
  if (persona.poster === null || broken) {
    return <span className="noface" role={alt === "" ? undefined : "img"} aria-label={alt || undefined}><Mark /></span>;
  }
  return (
    <img
      src={persona.poster}
      alt={alt}
      width={512}
      height={512}
      decoding="async"
      onError={() => {
        setBroken(true);
      }}
    />
  );
}

/** The portrait's two backdrop colours, for the gradients of ui.css. */
export function backdrop(persona: Persona): CSSProperties {
  return { "--p-in": persona.backdrop[0], "--p-out": persona.backdrop[1] } as CSSProperties;
}
