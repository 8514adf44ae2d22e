/** How long the last answer took, by stage, and how long answers take. */
import { percentile, type Trace } from "../trace";
import { words } from "../../words";
import { DASH, whole } from "./words";

export function Stages({ trace, name }: { trace: Trace; name: string }) {
  const { turns, bargeMs } = trace;
  const last = turns.at(-1);
  const stages = [
    ["c2", words().hood.hearing, last?.hearingMs ?? null],
    ["c4", words().hood.thinking, last?.thinkingMs ?? null],
    ["c6", words().hood.firstSound, last?.soundMs ?? null],
  ] as const;
  const spoken = stages.map(([, title, ms]) => `${title} ${whole(ms)} ms`).join(", ");
  return (
    <section>
      <h3>{last?.how === "typed" ? words().hood.youSend(name) : words().hood.youStop(name)} <span>{words().hood.lastTurn}</span></h3>
      <p className="figure">
        <b className="big">{last === undefined ? DASH : `${Math.round(last.totalMs)} ms`}</b>
        <span className="unit">
          {last === undefined
            ? words().hood.noTurn
            : `p50 ${whole(percentile(turns, 0.5))} · p95 ${whole(percentile(turns, 0.95))} · ${words().hood.turns(turns.length)}`}
        </span>
      </p>
      <div className="stages" role="img" aria-label={last === undefined ? words().hood.noTurn : spoken}>
        {last !== undefined && stages.map(([tone, title, ms]) => <i key={title} className={tone} style={{ flexGrow: ms ?? 0 }} />)}
      </div>
      <ul className="legend">
        {stages.map(([tone, title, ms]) => (
          <li key={title}><span className={`sw ${tone}`} />{title}<b>{whole(ms)}</b></li>
        ))}
        <li><span className="sw hollow" />{words().hood.barge}<b>{whole(bargeMs)}</b></li>
      </ul>
    </section>
  );
}
