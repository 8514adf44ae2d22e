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

/**
 * What the stage behind a portrait is drawn from: the backdrop's two colours, and the picture itself,
 * whose outermost columns scene.css draws out to the sides so that there is no seam. What a
 * photo holds there is melted.
 */
export function backdrop(persona: Persona): CSSProperties {
  const [inner, outer] = persona.backdrop;
  const poster = persona.poster === null ? "none" : `url("${persona.poster}")`;
  const melted: Record<`--${string}`, string> = persona.photo === true ? { "--melt": "4rem", "--spread": "1.2", "--feather": "12%" } : {};
  return { "--p-in": inner, "--p-out": outer, "--poster": poster, ...melted } as CSSProperties;
}
