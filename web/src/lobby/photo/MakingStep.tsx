/** The wait: what is done, what is under way, how much is left, and a way out. */
import { Icon } from "../../parts/Icon";
import { nowDoing, type PhotoState } from "./state";
import { photoStep, words } from "../../words";

interface Props {
  readonly state: PhotoState & { phase: "making" };
  readonly onGiveUp: () => void;
}

export function MakingStep({ state: { photo, job }, onGiveUp }: Props) {
  const percent = Math.round((job?.share ?? 0) * 100);
  const past = (job?.steps ?? []).slice(0, -1);
  const now = nowDoing(job);
  return (
    <div className="cols pic-left">
      <figure className="shown dim"><img src={photo.url} alt={words().photo.chosen} /></figure>
      <section className="card making" aria-labelledby="now">
        <div role="status"><h2 id="now">{now}</h2></div>
        <div
          className="bar"
          role="progressbar"
          aria-label={words().photo.making}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
        >
          <i style={{ width: `${Math.max(2, percent)}%` }} />
        </div>
        <ul className="past" aria-label={words().photo.doneSoFar}>
          {past.map((step) => (
            <li key={step}><span className="st ok"><Icon name="check" small /></span>{photoStep(step)}</li>
          ))}
        </ul>
        <div className="acts end">
          <button className="btn" type="button" onClick={onGiveUp}>{words().photo.giveUp}</button>
        </div>
      </section>
    </div>
  );
}
