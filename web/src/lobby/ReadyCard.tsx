/** Beside the faces: how microphone and server stand, what one talks to, and the one button. */
import type { ReactNode } from "react";
import { Icon, type IconName } from "../parts/Icon";
import type { MicReadiness, Readiness } from "./useReadiness";

interface Props {
  readonly ready: Readiness;
  readonly starting: boolean;
  readonly canStart: boolean;
  readonly onStart: () => void;
}

const MIC_ROWS: Record<MicReadiness, { mark: RowMark; text: string }> = {
  unknown: { mark: "idle", text: "Your browser may ask for it when you start." },
  "will-ask": { mark: "idle", text: "Your browser asks for it when you start." },
  allowed: { mark: "ok", text: "Allowed. It opens when you start." },
  denied: { mark: "bad", text: "Blocked for this page. You can type." },
  missing: { mark: "warn", text: "None found. Plug one in, or type." },
  insecure: { mark: "warn", text: "Needs a secure page (https). You can type." },
};

export function ReadyCard({ ready, starting, canStart, onStart }: Props) {
  const { health } = ready;
  const mic = MIC_ROWS[ready.mic];
  const bad = health?.checks.find((check) => !check.ok);
  return (
    <section className="card ready" aria-labelledby="rdy">
      <div className="pad">
        <h2 id="rdy">Before you start</h2>
        <ul className="rows">
          <Row icon="mic" mark={mic.mark} title="Microphone">{mic.text}</Row>
          {health === null ? (
            <Row icon="clock" mark="idle" title="Server">Asking whether it is there.</Row>
          ) : bad === undefined ? (
            <Row icon="check" mark="ok" title="Server">
              Answered in {Math.max(1, Math.round(health.roundTripMs))} ms. A call can start.
            </Row>
          ) : (
            <Row icon={bad.name === "agent" ? "clock" : "cross"} mark={bad.name === "agent" ? "warn" : "bad"} title="Server">
              {bad.detail} <span className="muted">Looking again by itself.</span>
            </Row>
          )}
          <Row icon="lock" mark="idle" title="Your words">Sound and text go to this server only.</Row>
        </ul>
        <p className="keys">
          <span><kbd>M</kbd> microphone</span>
          <span><kbd>T</kbd> write</span>
          <span><kbd>C</kbd> captions</span>
          <span><kbd>Shift L</kbd> leave</span>
        </p>
      </div>
      <div className="sticky">
        <p className="note ai">
          <Icon name="info" small />
          <span><b>You are talking to an AI.</b> Its face and voice are made by a computer.</span>
        </p>
        <button className="btn pri big wide" type="button" disabled={!canStart || starting} onClick={onStart}>
          {starting ? "Starting" : "Start the call"}
        </button>
      </div>
    </section>
  );
}

type RowMark = "ok" | "warn" | "bad" | "idle";

interface RowProps {
  readonly icon: IconName;
  readonly mark: RowMark;
  readonly title: string;
  readonly children: ReactNode;
}

function Row({ icon, mark, title, children }: RowProps) {
  return (
    <li>
      <span className={`st ${mark}`}><Icon name={icon} small /></span>
      <span><b>{title}</b><span className="small muted">{children}</span></span>
    </li>
  );
}
