/** The personas to choose from: real radio buttons, so that arrow keys choose. Lobby.tsx is their group. */
import { useState } from "react";
import type { Persona } from "../api";
import { Icon } from "../parts/Icon";
import { backdrop, Portrait } from "../parts/Portrait";
import { words } from "../words";
import { MovingPreview } from "./MovingPreview";

interface Props {
  readonly personas: readonly Persona[];
  /** Null while one's own face is chosen. */
  readonly chosen: Persona | null;
  readonly onChoose: (id: string) => void;
}

export function Gallery({ personas, chosen, onChoose }: Props) {
  return (
    <div className="gallery" data-count={personas.length}>
      {personas.map((persona) => (
        <Card
          key={persona.id}
          persona={persona}
          selected={persona === chosen}
          alone={personas.length === 1}
          onChoose={() => { onChoose(persona.id); }}
        />
      ))}
    </div>
  );
}

interface CardProps {
  readonly persona: Persona;
  readonly selected: boolean;
  readonly alone: boolean;
  readonly onChoose: () => void;
}

function Card({ persona, selected, alone, onChoose }: CardProps) {
  const { plays, byPress, come, go, press, end } = usePreview();
  return (
    <div
      className={selected ? "persona sel" : "persona"}
      style={backdrop(persona)}
      onPointerEnter={(event) => { if (event.pointerType === "mouse") come(); }}
      onPointerLeave={go}
    >
      <label>
        <input
          className="vh"
          type="radio"
          name="persona"
          value={persona.id}
          checked={selected}
          onChange={onChoose}
          onFocus={(event) => { if (event.target.matches(":focus-visible")) come(); }}
          onBlur={go}
        />
        <span className="pic scene">
          <span className="amb" />
          <span className="face">
            <Portrait persona={persona} alt="" />
            <MovingPreview persona={persona} plays={plays} onEnded={end} />
          </span>
          {selected && !alone && <span className="pick"><Icon name="check" small /></span>}
        </span>
        <span className="txt">
          <span className="nm">{persona.name}</span>
          <span className="ro">{roleLine(persona)}</span>
        </span>
      </label>
      {byPress && !plays && persona.preview !== null && (
        <button className="seeit" type="button" aria-label={words().lobby.play(persona.name)} onClick={press}>
          <Icon name="play" small />
        </button>
      )}
    </div>
  );
}

const CALM = "(prefers-reduced-motion: reduce)";
const TOUCH = "(hover: none)";

/**
 * When a card's preview plays: while the pointer or the keyboard's focus rests on it, once a visit. Under
 * reduced motion, and where nothing hovers, a press plays it.
 */
function usePreview() {
  const [wish, setWish] = useState<"none" | "visit" | "press">("none");
  const calm = matchMedia(CALM).matches;
  return {
    plays: wish === "press" || (wish === "visit" && !calm),
    byPress: calm || matchMedia(TOUCH).matches,
    come: () => { setWish((now) => (now === "none" ? "visit" : now)); },
    go: () => { setWish((now) => (now === "visit" ? "none" : now)); },
    press: () => { setWish("press"); },
    end: () => { setWish("none"); },
  };
}

function roleLine({ role, tagline }: Persona): string {
  return [role, tagline].filter((part) => part !== "").map(ended).join(" ");
}

function ended(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
