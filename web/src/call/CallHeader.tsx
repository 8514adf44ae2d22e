/** Who one talks to, that it is an AI, how the connection is, how long it lasts. */
import type { Persona } from "../api";
import { Bars } from "../parts/Bars";
import { Icon } from "../parts/Icon";
import { Mark } from "../parts/Mark";
import type { CallState, Quality } from "./state";
import { duration } from "./time";
import { useNow } from "./useNow";

export function CallHeader({ persona, call }: { persona: Persona; call: CallState }) {
  return (
    <header className="top">
      <span className="brand"><Mark /></span>
      <span className="sep" />
      <span className="who">
        {persona.name} <span className="muted lg">· {persona.role}</span>
        <span className="aiph">You are talking to an AI</span>
      </span>
      <span className="grow" />
      <span className="chip ai">
        <b aria-hidden="true">AI</b>
        <span className="lgt">You are talking to an AI</span>
      </span>
      <QualityChip quality={call.phase === "reconnecting" ? "lost" : call.quality} />
      <CallTime since={call.liveSince} />
    </header>
  );
}

const CHIPS: Record<Exclude<Quality, "unknown">, { word: string; tone: string; level: number }> = {
  good: { word: "Good", tone: "ok", level: 4 },
  fair: { word: "Fair", tone: "ok", level: 3 },
  weak: { word: "Weak", tone: "warn", level: 2 },
  lost: { word: "No connection", tone: "bad", level: 0 },
};

function QualityChip({ quality }: { quality: Quality }) {
  // its place is kept while nothing is known, so that nothing moves when it is
  if (quality === "unknown") return <span className="chip unknown" />;
  const { word, tone, level } = CHIPS[quality];
  return (
    <span className={`chip ${tone}`}>
      <Bars level={level} />
      {word}
      {quality !== "lost" && <span className="vh"> connection</span>}
    </span>
  );
}

function CallTime({ since }: { since: number | null }) {
  const now = useNow(1000);
  return (
    <span className="chip time">
      <Icon name="clock" small />
      <span className="vh">Call time </span>
      {duration(since === null ? 0 : now - since)}
    </span>
  );
}
