/** Who one could talk to instead, beside the face that is there: chosen, it takes over on the same tracks. */
import { useEffect, useRef, useState } from "react";
import type { Persona } from "../api";
import { Icon } from "../parts/Icon";
import { backdrop, Portrait } from "../parts/Portrait";
import { faceName, wearing } from "../portraits";
import { words } from "../words";
import { fetchCast, type Cast } from "./cast";
import type { CallSession } from "./session";
import { useCall } from "./useCall";

interface Props {
  readonly session: CallSession;
  readonly onClose: () => void;
}

export function CastPanel({ session, onClose }: Props) {
  const { persona: shown } = useCall(session);
  const cast = useCast();
  const [coming, setComing] = useState<Persona | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => { heading.current?.focus(); }, []);

  const change = async (persona: Persona) => {
    setComing(persona);
    setProblem(null);
    const failed = await session.switchTo(persona);
    setComing(null);
    setProblem(failed);
    if (failed === null) onClose();
  };
  const own = cast?.personas.find(({ id }) => id === shown.id) ?? shown;
  const option = (persona: Persona, title: string, text: string) => {
    const here = persona.id === shown.id && persona.portrait === shown.portrait;
    return (
      <li key={`${persona.id} ${persona.portrait ?? ""}`}>
        <button
          className={here ? "castone sel" : "castone"}
          type="button"
          aria-pressed={here}
          disabled={coming !== null}
          style={backdrop(persona)}
          onClick={() => { if (!here) void change(persona); }}
        >
          <span className="thumb"><Portrait persona={persona} alt="" /></span>
          <span className="grow"><b>{title}</b><span className="small muted">{coming === persona ? words().switching.coming(title) : text}</span></span>
          {here && <span className="pick"><Icon name="check" small /></span>}
        </button>
      </li>
    );
  };
  return (
    <section className="side" aria-labelledby="cast-title">
      <header>
        <h2 id="cast-title" ref={heading} tabIndex={-1}>{words().switching.title}</h2>
        <button className="ib sm" type="button" aria-label={words().hood.close} title={`${words().hood.close} (Esc)`} onClick={onClose}>
          <Icon name="cross" small />
        </button>
      </header>
      <div className="castlist">
        <p className="small muted">{cast === null ? words().switching.loading : words().switching.lead}</p>
        {problem !== null && <p className="note warn" role="alert"><Icon name="info" small /><span>{problem}</span></p>}
        <ul>{cast?.personas.map((persona) => option(persona, persona.name, persona.role))}</ul>
        {cast !== null && cast.faces.length > 0 && (
          <>
            <h3>{words().switching.ownFaces}</h3>
            <ul>{cast.faces.map((face) => option(wearing(own, face), faceName(face.name), words().switching.wears(own.name)))}</ul>
          </>
        )}
      </div>
      <p className="vh" role="status">{coming === null ? "" : words().switching.coming(coming.name)}</p>
    </section>
  );
}

function useCast(): Cast | null {
  const [cast, setCast] = useState<Cast | null>(null);
  useEffect(() => {
    let current = true;
    fetchCast().then((found) => { if (current) setCast(found); }, () => undefined); // away: the notice on the stage says so
    return () => { current = false; };
  }, []);
  return cast;
}
