/** Takes the ready card's place while the browser blocks the microphone for this page (screen 07). */
import { Icon } from "../parts/Icon";
import { micSentence } from "../problems";
import { words } from "../words";

interface Props {
  readonly name: string;
  readonly disclosure: string;
  readonly starting: boolean;
  readonly onStart: () => void;
  readonly onRetry: () => void;
}

export function MicRefusedCard({ name, disclosure, starting, onStart, onRetry }: Props) {
  const { title } = micSentence("refused", name, location.host);
  return (
    <section className="card ready refused" role="alert" aria-labelledby="mt">
      <span className="st bad large"><Icon name="mic-off" /></span>
      <div>
        <h2 id="mt">{title}</h2>
        <p className="muted">{words().lobby.blocked}</p>
      </div>
      <figure className="address" aria-hidden="true">
        <span className="bar"><span className="knob"><Icon name="tune" small /></span><span className="small muted">{location.host}</span></span>
        <span className="menu small"><Icon name="mic" small /><span className="grow">{words().lobby.microphone}</span><span className="switch"><i /></span></span>
      </figure>
      <ol className="steps">
        {words().lobby.blockedSteps.map((step) => <li key={step}><span>{step}</span></li>)}
      </ol>
      <div className="sticky">
        <button className="btn pri big wide" type="button" disabled={starting} onClick={onStart}>
          <Icon name="keyboard" small />{words().lobby.startTyping}
        </button>
        <button className="btn wide" type="button" disabled={starting} onClick={onRetry}>
          <Icon name="again" small />{words().tryAgain}
        </button>
        <p className="xs muted center">{disclosure}. {words().lobby.typingMore(name)}</p>
      </div>
    </section>
  );
}
