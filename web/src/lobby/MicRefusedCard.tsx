/** Takes the ready card's place while the browser blocks the microphone for this page (screen 07). */
import { Icon } from "../parts/Icon";
import { micSentence } from "../problems";

interface Props {
  readonly name: string;
  readonly starting: boolean;
  readonly onStart: () => void;
  readonly onRetry: () => void;
}

export function MicRefusedCard({ name, starting, onStart, onRetry }: Props) {
  const { title } = micSentence("refused", name, location.host);
  return (
    <section className="card ready refused" role="alert" aria-labelledby="mt">
      <span className="st bad large"><Icon name="mic-off" /></span>
      <div>
        <h2 id="mt">{title}</h2>
        <p className="muted">This browser blocks the microphone for this page.</p>
      </div>
      <figure className="address" aria-hidden="true">
        <span className="bar"><span className="knob"><Icon name="tune" small /></span><span className="small muted">{location.host}</span></span>
        <span className="menu small"><Icon name="mic" small /><span className="grow">Microphone</span><span className="switch"><i /></span></span>
      </figure>
      <ol className="steps">
        <li><span>Press the icon left of the address.</span></li>
        <li><span>Turn <b>Microphone</b> on.</span></li>
        <li><span>Come back and try again.</span></li>
      </ol>
      <div className="sticky">
        <button className="btn pri big wide" type="button" disabled={starting} onClick={onStart}>
          <Icon name="keyboard" small />Start and type instead
        </button>
        <button className="btn wide" type="button" disabled={starting} onClick={onRetry}>
          <Icon name="again" small />Try again
        </button>
        <p className="xs muted center">You are talking to an AI. With typing you still see and hear {name}.</p>
      </div>
    </section>
  );
}
