/** The one notice in the stage's edge: what happened, what to do. The most important wins (state.ts). */
import { Icon } from "../parts/Icon";
import { Mark } from "../parts/Mark";
import { micAction, micSentence, type MicProblem } from "../problems";
import { GIVE_UP_MS } from "./connection";
import type { CallSession } from "./session";
import type { Notice } from "./state";
import { ago } from "./time";
import { useCall } from "./useCall";
import { useNow } from "./useNow";
import { words } from "../words";

interface Props {
  readonly shown: Notice;
  readonly session: CallSession;
  readonly onType: () => void;
  readonly onDevices: () => void;
}

export function NoticeCard({ shown, session, onType, onDevices }: Props) {
  switch (shown.kind) {
    case "sound-blocked":
      return <SoundBlocked session={session} />;
    case "reconnecting":
      return <GettingBack session={session} droppedAt={shown.droppedAt} />;
    case "mic":
      return <MicTrouble session={session} shown={shown} onType={onType} onDevices={onDevices} />;
    case "camera":
      return <CameraTrouble session={session} problem={shown.problem} />;
    case "level":
      return (
        <p className="badge hush" role="status">
          <Icon name="info" small /><span>{words().call.levels[shown.level](session.persona.name)}</span>
        </p>
      );
    case "edit":
      return <EditRefused session={session} problem={shown.problem} />;
    case "weak":
      return (
        <p className="badge hush" role="status">
          <Icon name="info" small /><span>{words().notice.weak}</span>
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
        <h2 id="sb">{words().notice.soundOff(name)}</h2>
        <p className="muted small" id="sd">{words().notice.soundOffMore}</p>
      </div>
      <button className="btn pri" type="button" onClick={() => void session.turnSoundOn()}>
        <Icon name="sound" small />{words().notice.turnSoundOn}
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
        <h2 id="rc">{words().notice.back(session.persona.name)}</h2>
        <p className="muted small" id="rd">
          {words().notice.dropped(ago(passed))}
          {waiting > 0 && ` ${words().notice.goesOut(waiting)}`}
        </p>
        <div className="prog" role="progressbar" aria-label={words().notice.waitingForNetwork} aria-valuenow={Math.round(percent)}>
          <i style={{ width: `${percent}%` }} />
        </div>
      </div>
      <button className="btn pri" type="button" onClick={() => { session.reconnectNow(); }}>
        <Icon name="again" small />{words().notice.tryNow}
      </button>
    </div>
  );
}

interface MicTroubleProps extends Omit<Props, "shown"> {
  readonly shown: Extract<Notice, { kind: "mic" }>;
}

function MicTrouble({ session, shown, onType, onDevices }: MicTroubleProps) {
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
        {shown.problem === "gone" && (
          <button className="btn" type="button" onClick={onDevices}><Icon name="tune" small />{words().notice.chooseAnother}</button>
        )}
        {action !== null && (
          <button className="btn" type="button" onClick={() => void session.own.openMicrophone()}>
            <Icon name="again" small />{action}
          </button>
        )}
        <button className="btn pri" type="button" onClick={type}>
          <Icon name="keyboard" small />{words().notice.typeInstead}
        </button>
      </div>
    </div>
  );
}

function CameraTrouble({ session, problem }: { session: CallSession; problem: MicProblem }) {
  return (
    <div className="back small-b" role="status">
      <span className="st warn large"><Icon name="video-off" /></span>
      <div className="grow">
        <h2>{words().notice.cameraOff}</h2>
        <p className="muted small">{words().notice.cameraMore(session.persona.name)} {words().failure.cameraAdvice[problem]}</p>
      </div>
      <button className="btn pri" type="button" onClick={() => { session.closeCameraNotice(); }}>{words().notice.goOnWithout}</button>
    </div>
  );
}

/** For whoever edits the persona's files beside the call. */
function EditRefused({ session, problem }: { session: CallSession; problem: string }) {
  return (
    <div className="back small-b" role="status">
      <span className="st warn large"><Icon name="info" /></span>
      <div className="grow">
        <h2>{words().notice.edit(session.persona.name)}</h2>
        <p className="muted small wrapped"><code>{problem}</code> {words().notice.editMore}</p>
      </div>
      <button className="btn" type="button" onClick={() => { session.closeProblem(); }}>{words().close}</button>
    </div>
  );
}
