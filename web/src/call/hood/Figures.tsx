/** Live figures of the call. What the browser does not measure is shown as a dash, never as a guess. */
import { useSyncExternalStore } from "react";
import { MARK } from "../../protocol";
import type { Figures as Measured } from "../stats";
import type { CallSession } from "../session";
import { useCall } from "../useCall";
import { Events } from "./Events";
import { RingView } from "./RingView";
import { Spark } from "./Spark";
import { Stages } from "./Stages";
import { words } from "../../words";
import { bitrate, DASH, offsetWords, rateWords, signed } from "./words";

/** EBU R 37: sound at most 40 ms early and 60 ms late is not noticed; the stricter side for both. */
const BAND_MS = 45;

export function Figures({ session }: { session: CallSession }) {
  const { observer } = session;
  const { level } = useCall(session).call;
  const { history, trace } = useSyncExternalStore(observer.subscribe, observer.view);
  const last = history.at(-1);
  const rates = history.map(({ fps }) => fps);
  const offsets = history.map(({ offsetMs }) => offsetMs);
  return (
    <div className="dev" tabIndex={0} role="group" aria-label={words().hood.figures}>
      {level !== "normal" && <p className="muted small">{words().call.levels[level](session.persona.name)}</p>}
      <Stages trace={trace} name={session.persona.name} />
      <section className="two">
        <div>
          <h3>{words().hood.fps}</h3>
          <p className="figure"><b className="big">{last?.fps?.toFixed(1) ?? DASH}</b><span className="unit">{rateWords(rates)}</span></p>
          <Spark values={rates} low={0} high={30} label={`${words().hood.fps}, ${rateWords(rates)}`} />
        </div>
        <div>
          <h3>{words().hood.lips}</h3>
          <p className="figure"><b className="big">{signed(last?.offsetMs ?? null)}</b><span className="unit">{words().hood.band(BAND_MS)}</span></p>
          <Spark values={offsets} low={-100} high={100} band={[-BAND_MS, BAND_MS]} label={offsetWords(offsets, BAND_MS)} />
        </div>
      </section>
      <RingView ring={observer.ring} footer={network(last)} />
      <Events events={trace.events} since={performance.getEntriesByName(MARK.start)[0]?.startTime ?? 0} />
    </div>
  );
}

function network(last: Measured | undefined): string {
  if (last === undefined) return words().hood.nothing;
  const loss = last.loss === null ? DASH : `${(last.loss * 100).toFixed(1)} %`;
  const trip = last.rttMs === null ? DASH : `${Math.round(last.rttMs)} ms`;
  const path = `${last.path ?? DASH}${last.size === null ? "" : ` · ${last.size}`}`;
  return words().hood.network(bitrate(last.kbitPerS), loss, trip, path);
}
