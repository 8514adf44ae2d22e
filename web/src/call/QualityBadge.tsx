/** How good the connection is, in bars and a word; pressed, the figures behind the word. */
import { useId, useSyncExternalStore } from "react";
import { Bars } from "../parts/Bars";
import type { CallSession } from "./session";
import type { Quality } from "./state";
import { useCall } from "./useCall";
import { words } from "../words";

const CHIPS: Record<Exclude<Quality, "unknown">, { tone: string; level: number }> = {
  good: { tone: "ok", level: 4 },
  fair: { tone: "ok", level: 3 },
  weak: { tone: "warn", level: 2 },
  lost: { tone: "bad", level: 0 },
};

export function QualityBadge({ session }: { session: CallSession }) {
  const { call } = useCall(session);
  const id = useId();
  const quality = call.phase === "reconnecting" ? "lost" : call.quality;
  // its place is kept while nothing is known, so that nothing moves when it is
  if (quality === "unknown") {
    return <span className="chip unknown"><Bars level={0} /><span className="vh">{words().quality.unknown}</span></span>;
  }
  const { tone, level } = CHIPS[quality];
  return (
    <>
      <button className={`chip quality ${tone}`} type="button" popoverTarget={id} title={words().quality.figures}>
        <Bars level={level} />
        {words().quality[quality]}
        {quality !== "lost" && <span className="vh"> {words().quality.connection}</span>}
      </button>
      <div className="popover" id={id} popover="auto">
        <Figures session={session} />
      </div>
    </>
  );
}

function Figures({ session }: { session: CallSession }) {
  const { history } = useSyncExternalStore(session.observer.subscribe, session.observer.view);
  const last = history.at(-1);
  const rows = [
    [words().quality.roundTrip, last?.rttMs == null ? null : `${Math.round(last.rttMs)} ms`],
    [words().quality.lossRate, last?.loss == null ? null : `${(last.loss * 100).toFixed(1)} %`],
    [words().quality.jitter, last?.jitterMs == null ? null : `${Math.round(last.jitterMs)} ms`],
    [words().quality.comingIn, last?.kbitPerS == null ? null : `${Math.round(last.kbitPerS)} kbit/s`],
    [words().quality.path, last?.path ?? null],
  ] as const;
  return (
    <dl>
      {rows.map(([title, value]) => <div key={title}><dt>{title}</dt><dd>{value ?? words().quality.notKnown}</dd></div>)}
    </dl>
  );
}
