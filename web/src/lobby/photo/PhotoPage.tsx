/** A photo becomes a face: choose, consent, wait, look, talk. One screen, three steps. */
import { useEffect, useRef } from "react";
import type { Persona } from "../../api";
import { Header } from "../../parts/Header";
import { Icon } from "../../parts/Icon";
import type { FaceCard, FaceList } from "../../portraits";
import { ChooseStep } from "./ChooseStep";
import { ConsentStep } from "./ConsentStep";
import { MakingStep } from "./MakingStep";
import { ResultStep } from "./ResultStep";
import type { PhotoState } from "./state";
import { usePhoto } from "./usePhoto";
import { words } from "../../words";

interface Props {
  readonly faces: FaceList;
  /** Who speaks with the face. */
  readonly speaker: Persona;
  /** A face that is there already, to be looked at; null: make one. */
  readonly shown: FaceCard | null;
  readonly starting: boolean;
  readonly onTalk: (face: FaceCard) => void;
  readonly onLeave: () => void;
}

export function PhotoPage({ faces, speaker, shown, starting, onTalk, onLeave }: Props) {
  const way = usePhoto(faces.max_bytes, shown);
  const { state } = way;
  const heading = useRef<HTMLHeadingElement>(null);
  const fresh = state.phase !== "done" || state.fresh;
  const title = fresh ? words().photo.titles[state.phase] : words().photo.shown;
  useEffect(() => {
    heading.current?.focus();
    document.title = `${title} · Visavis`;
    scrollTo(0, 0);
  }, [title]);
  useDroppedAndPasted(way.pick);

  return (
    <>
      <a className="skip" href="#main">{words().skipToPage}</a>
      <Header>
        <button className="btn quiet" type="button" onClick={onLeave}>
          {state.phase === "done" ? <>{words().toStart}</> : <><Icon name="cross" small />{words().cancel}</>}
        </button>
      </Header>
      <main id="main" className="page photo" data-phase={state.phase}>
        <div className="headline">
          <h1 ref={heading} tabIndex={-1}>{title}</h1>
          {fresh && <Steps phase={state.phase} />}
        </div>
        {state.phase === "choose" && <ChooseStep problem={state.problem} onPick={way.pick} />}
        {state.phase === "consent" && <ConsentStep state={state} way={way} consent={faces.consent} />}
        {state.phase === "making" && <MakingStep state={state} onGiveUp={way.restart} />}
        {state.phase === "done" && (
          <ResultStep
            face={state.face}
            warnings={state.warnings}
            speaker={speaker}
            starting={starting}
            onTalk={() => { onTalk(state.face); }}
            onOther={way.restart}
            onGone={onLeave}
          />
        )}
      </main>
    </>
  );
}

const AT: Record<PhotoState["phase"], number> = { choose: 0, consent: 1, making: 2, done: 2 };

function Steps({ phase }: { phase: PhotoState["phase"] }) {
  const at = AT[phase];
  return (
    <ol className="wiz" aria-label={words().photo.steps}>
      {words().photo.stepNames.map((step, index) => (
        <li
          key={step}
          className={index < at ? "past" : index === at ? "cur" : undefined}
          aria-current={index === at ? "step" : undefined}
        >
          <span className="n">{index < at ? <Icon name="check" small /> : index + 1}</span>
          {step}{index < at && <span className="vh">, {words().photo.done}</span>}
        </li>
      ))}
    </ol>
  );
}

/** A picture may be dropped anywhere on the page, or pasted. */
function useDroppedAndPasted(pick: (files: readonly File[]) => void): void {
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    const take = (event: Event, data: DataTransfer | null) => {
      const files = [...(data?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      pick(files);
    };
    addEventListener("paste", (event) => { take(event, event.clipboardData); }, { signal });
    addEventListener("drop", (event) => {
      event.preventDefault(); // else the browser leaves the page and opens the file
      take(event, event.dataTransfer);
    }, { signal });
    addEventListener("dragover", (event) => { event.preventDefault(); }, { signal });
    return () => {
      ending.abort();
    };
  }, [pick]);
}
