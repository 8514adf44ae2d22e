/** The faces to choose from: real radio buttons, so that arrow keys choose. */
import type { Persona } from "../api";
import { Icon } from "../parts/Icon";
import { backdrop, Portrait } from "../parts/Portrait";

interface Props {
  readonly personas: readonly Persona[];
  readonly chosen: Persona | null;
  readonly onChoose: (id: string) => void;
}

export function Gallery({ personas, chosen, onChoose }: Props) {
  return (
    <div className="gallery" data-count={personas.length} role="radiogroup" aria-label="Who to talk to">
      {personas.map((persona) => {
        const selected = persona === chosen;
        return (
          <label key={persona.id} className={selected ? "persona sel" : "persona"} style={backdrop(persona)}>
            <input
              className="vh"
              type="radio"
              name="persona"
              value={persona.id}
              checked={selected}
              onChange={() => {
                onChoose(persona.id);
              }}
            />
            <span className="pic scene">
              <span className="amb" />
              <span className="face"><Portrait persona={persona} alt="" /></span>
              {selected && personas.length > 1 && (
                <span className="pick"><Icon name="check" small /></span>
              )}
            </span>
            <span className="txt">
              <span className="nm">{persona.name}</span>
              <span className="ro">{roleLine(persona)}</span>
            </span>
          </label>
        );
      })}
    </div>
  );
}

function roleLine({ role, tagline }: Persona): string {
  return [role, tagline].filter((part) => part !== "").map(ended).join(" ");
}

function ended(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
