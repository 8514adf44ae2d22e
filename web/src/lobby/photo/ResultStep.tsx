/** The face as it came out: moving, on its sheet, and what to do with it. */
import { useState } from "react";
import { ApiError, type Persona } from "../../api";
import { Icon } from "../../parts/Icon";
import { deleteFace, faceName, type FaceCard } from "../../portraits";
import { ProblemNote } from "./ProblemNote";
import { Preview } from "./Preview";
import { fromServer, words, type Said } from "../../words";

interface Props {
  readonly face: FaceCard;
  readonly warnings: readonly Said[];
  readonly speaker: Persona;
  readonly starting: boolean;
  readonly onTalk: () => void;
  readonly onOther: () => void;
  readonly onGone: () => void;
}

export function ResultStep({ face, warnings, speaker, starting, onTalk, onOther, onGone }: Props) {
  const name = faceName(face.name);
  return (
    <div className="cols result">
      <div className="stack">
        <Preview face={face} name={name} />
        <div>
          <h2>{name}</h2>
          <p className="small muted">{words().photo.speaks(speaker.name)}</p>
        </div>
        {warnings.map((warning) => (
          <p key={warning.detail} className="note warn"><Icon name="info" small /><span>{fromServer(warning)}</span></p>
        ))}
        <button className="btn pri big wide" type="button" disabled={starting} onClick={onTalk}>
          {starting ? words().starting : words().photo.talk}
        </button>
        <div className="acts even">
          <button className="btn" type="button" onClick={onOther}><Icon name="picture" small />{words().photo.other}</button>
          <Deletion face={face} name={name} onGone={onGone} />
        </div>
        <p className="xs muted center">{fromServer({ detail: speaker.disclosure })}. {words().photo.onlyLooks}</p>
      </div>
      {face.sheet !== null && (
        <figure className="sheet">
          <figcaption className="small muted">{words().photo.sheet}</figcaption>
          <a href={face.sheet} target="_blank" rel="noreferrer">
            <img src={face.sheet} alt={words().photo.sheetAlt(name)} />
          </a>
        </figure>
      )}
    </div>
  );
}

interface DeletionProps {
  readonly face: FaceCard;
  readonly name: string;
  readonly onGone: () => void;
}

/** Asks once more in the same place. */
function Deletion({ face, name, onGone }: DeletionProps) {
  const [stage, setStage] = useState<"rest" | "asking" | "busy">("rest");
  const [problem, setProblem] = useState<string | null>(null);
  const remove = async () => {
    setStage("busy");
    try {
      await deleteFace(face.name);
      onGone();
    } catch (error) {
      const said = error instanceof ApiError ? error.said : undefined;
      setProblem(fromServer(said ?? { detail: "", code: "server-away" }));
      setStage("rest");
    }
  };
  if (!face.own) return null;
  return (
    <>
      {problem !== null && <ProblemNote sentence={{ title: words().photo.stillThere(name), text: problem }} />}
      {stage === "rest" ? (
        <button className="btn quiet danger" type="button" onClick={() => { setStage("asking"); }}>
          <Icon name="bin" small />{words().photo.delete}
        </button>
      ) : (
        <span className="asking" role="group" aria-label={words().photo.deleteAsk(name)}>
          <span className="small">{words().photo.deleteForGood(name)}</span>
          <button className="btn leave" type="button" disabled={stage === "busy"} onClick={() => void remove()}>{words().photo.delete}</button>
          <button className="btn" type="button" disabled={stage === "busy"} autoFocus onClick={() => { setStage("rest"); }}>{words().photo.keep}</button>
        </span>
      )}
    </>
  );
}
