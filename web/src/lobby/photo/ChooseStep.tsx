/** The first step: where a photo comes in, and what makes a good one. */
import { useEffect, useState } from "react";
import { Icon } from "../../parts/Icon";
import { photoSentence, type PhotoProblem } from "../../problems";
import { PickButton } from "./PickButton";
import { words } from "../../words";

interface Props {
  readonly problem: PhotoProblem | null;
  readonly onPick: (files: readonly File[]) => void;
}

/** The first of the tips are good, the others are not. */
const GOOD_TIPS = 2;

export function ChooseStep({ problem, onPick }: Props) {
  const over = useDraggedOver();
  const touch = matchMedia("(any-pointer: coarse)").matches;
  const said = problem === null ? (touch ? words().photo.take : words().photo.drop) : photoSentence(problem);
  return (
    <div className="cols">
      <div className={over ? "drop over" : "drop"}>
        <span className={problem === null ? "ring" : "ring bad"}>
          <Icon name={problem === null ? "picture" : "info"} />
        </span>
        {/* the same place for the invitation and for what went wrong, so that nothing moves */}
        <div role={problem === null ? undefined : "alert"}>
          <h2>{over ? words().photo.letGo : said.title}</h2>
          <p className="muted">{said.text}</p>
        </div>
        <div className="acts">
          <PickButton main icon="upload" label={problem === null ? words().photo.choose : words().photo.chooseOther} onPick={onPick} />
          {touch && <PickButton camera icon="camera" label={words().photo.takePicture} onPick={onPick} />}
        </div>
        <p className="small muted kept-here">
          <Icon name="lock" small />
          <span>{words().photo.serverOnly}</span>
        </p>
      </div>
      <section className="stack" aria-labelledby="tips">
        <h2 id="tips">{words().photo.best}</h2>
        <ul className="tips">
          {words().photo.tips.map((tip, index) => {
            const good = index < GOOD_TIPS;
            return (
              <li key={tip}>
                <span className={good ? "st ok" : "st bad"}><Icon name={good ? "check" : "cross"} small /></span>
                <span><span className="vh">{good ? words().photo.tipGood : words().photo.tipBad}</span>{tip}</span>
              </li>
            );
          })}
        </ul>
      </section>
    </div>
  );
}

/** Whether something is being dragged over the window. */
function useDraggedOver(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    addEventListener("dragenter", () => { setOver(true); }, { signal });
    addEventListener("dragleave", (event) => { if (event.relatedTarget === null) setOver(false); }, { signal });
    addEventListener("drop", () => { setOver(false); }, { signal });
    return () => {
      ending.abort();
    };
  }, []);
  return over;
}
