/** Beside the faces: how one is seen and heard, how the server stands, and the one button. */
import { useState } from "react";
import type { Health } from "../api";
import { CheckDialog } from "../check/CheckDialog";
import { SelfCheck } from "../devices/SelfCheck";
import { Icon } from "../parts/Icon";
import type { Readiness } from "./useReadiness";
import { fromServer, words } from "../words";

interface Props {
  readonly ready: Readiness;
  readonly disclosure: string;
  readonly starting: boolean;
  readonly canStart: boolean;
  /** The camera is on, and will be in the call. */
  readonly camera: boolean;
  readonly onCamera: (on: boolean) => void;
  readonly onStart: () => void;
}

export function ReadyCard({ ready, disclosure, starting, canStart, camera, onCamera, onStart }: Props) {
  const { health } = ready;
  const [checking, setChecking] = useState(false);
  return (
    <section className="card ready" aria-labelledby="rdy">
      <h2 className="vh" id="rdy">{words().lobby.before}</h2>
      <div className="pad">
        <SelfCheck hint={words().lobby.micHints[ready.mic]} camera={camera} onCamera={onCamera} />
        <div className="serverrow">
          <ServerLine health={health} />
          <button className="mini" type="button" onClick={() => { setChecking(true); }}>{words().lobby.check}</button>
        </div>
      </div>
      <div className="sticky">
        <p className="note ai">
          <Icon name="info" small />
          <span><b>{disclosure}.</b> {words().disclosureMore}</span>
        </p>
        <button className="btn pri big wide" type="button" disabled={!canStart || starting} onClick={onStart}>
          {starting ? words().starting : words().lobby.start}
        </button>
      </div>
      {checking && <CheckDialog onClose={() => { setChecking(false); }} />}
    </section>
  );
}

/** Whether a call can start, and what is missing if it cannot. */
function ServerLine({ health }: { health: Health | null }) {
  const bad = health?.checks.find((check) => !check.ok);
  if (health === null) return <p className="serverline small muted" role="status"><Icon name="clock" small />{words().lobby.asking}</p>;
  if (bad === undefined) {
    return (
      <p className="serverline small" role="status">
        <span className="good"><Icon name="check" small />{words().lobby.ready}</span>
      </p>
    );
  }
  const tone = bad.name === "agent" ? "warn" : "bad";
  return (
    <p className="serverline small" role="status">
      <span className={`st ${tone}`}><Icon name={tone === "warn" ? "clock" : "cross"} small /></span>
      <span className="grow">{fromServer(bad)} <span className="muted">{words().lobby.lookingAgain}</span></span>
    </p>
  );
}
