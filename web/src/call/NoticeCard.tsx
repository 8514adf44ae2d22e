/** The one notice in the stage's edge: what happened, what to do. The most important wins (state.ts). */
import { Icon } from "../parts/Icon";
import { Mark } from "../parts/Mark";
import { micAction, micSentence } from "../problems";
import { GIVE_UP_MS, type CallSession } from "./session";
import type { Notice } from "./state";
import { ago } from "./time";
import { useCall } from "./useCall";
import { useNow } from "./useNow";

interface Props {
  readonly shown: Notice;
  readonly session: CallSession;
  readonly onType: () => void;
}

export function NoticeCard({ shown, session, onType }: Props) {
  switch (shown.kind) {
    case "sound-blocked":
      return <SoundBlocked session={session} />;
    case "reconnecting":
      return <GettingBack session={session} droppedAt={shown.droppedAt} />;
    case "mic":
      return <MicTrouble session={session} shown={shown} onType={onType} />;
    case "voice-only":
      return (
        <p className="badge hush" role="status">
          <Icon name="info" small />Picture paused to keep the voice smooth. It comes back by itself.
        </p>
      );
    case "weak":
      return (
        <p className="badge hush" role="status">
          <Icon name="info" small />Your connection is weak. The picture may be smaller for now.
        </p>
      );
  }
}

function SoundBlocked({ session }: { session: CallSession }) {
  const { name } = session.persona;
  return (
    <div className="back small-b" role="alertdialog" aria-labelledby="sb" aria-describedby="sd">
      <span className="st warn large"><Icon name="sound-off" /></span>
      <div className="grow">
        <h2 id="sb">{name} is speaking, but the sound is off</h2>
        <p className="muted small" id="sd">This browser waits for a press before it plays sound.</p>
      </div>
      <button className="btn pri" type="button" onClick={() => void session.turnSoundOn()}>
        <Icon name="sound" small />Turn sound on
      </button>
    </div>
  );
}

function GettingBack({ session, droppedAt }: { session: CallSession; droppedAt: number }) {
  const { talk } = useCall(session);
  const passed = useNow(500) - droppedAt;
  const waiting = talk.filter((message) => message.delivery === "waiting").length;
  const percent = Math.min(100, (passed / GIVE_UP_MS) * 100);
  return (
    <div className="back" role="alertdialog" aria-labelledby="rc" aria-describedby="rd">
      <Mark className="facing" />
      <div className="grow">
        <h2 id="rc">Getting you back to {session.persona.name}</h2>
        <p className="muted small" id="rd">
          The connection dropped {ago(passed)}. Your place is kept.
          {waiting > 0 && ` ${waiting} ${waiting === 1 ? "message goes" : "messages go"} out when you are back.`}
        </p>
        <div className="prog" role="progressbar" aria-label="Waiting for the network" aria-valuenow={Math.round(percent)}>
          <i style={{ width: `${percent}%` }} />
        </div>
      </div>
      <button className="btn pri" type="button" onClick={() => { session.reconnectNow(); }}>
        <Icon name="again" small />Try now
      </button>
    </div>
  );
}

interface MicTroubleProps extends Omit<Props, "shown"> {
  readonly shown: Extract<Notice, { kind: "mic" }>;
}

function MicTrouble({ session, shown, onType }: MicTroubleProps) {
  const { title, text } = micSentence(shown.problem, session.persona.name, location.host);
  const action = micAction(shown.problem);
  const type = () => {
    session.closeMicNotice();
    onType();
  };
  return (
    <div className="back" role="alert" aria-labelledby="mp">
      <span className="st bad large"><Icon name="mic-off" /></span>
      <div className="grow">
        <h2 id="mp">{title}</h2>
        <p className="muted small">{text}</p>
      </div>
      <div className="acts">
        {action !== null && (
          <button className="btn" type="button" onClick={() => void session.openMicrophone()}>
            <Icon name="again" small />{action}
          </button>
        )}
        <button className="btn pri" type="button" onClick={type}>
          <Icon name="keyboard" small />Type instead
        </button>
      </div>
    </div>
  );
}
