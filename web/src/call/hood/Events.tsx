/** What happened last, newest first, by the time since Start. */
import { duration } from "../time";
import type { TraceEvent } from "../trace";
import { words } from "../../words";

const SHOWN = 40;

export function Events({ events, since }: { events: readonly TraceEvent[]; since: number }) {
  // the end of a voice is known some moments after it
  const latest = events.slice(-SHOWN).sort((one, other) => other.at - one.at);
  return (
    <section>
      <h3>{words().hood.events}</h3>
      <ol className="events">
        {latest.map(({ at, what, detail }, index) => (
          <li key={`${at} ${index}`}>
            <time>{callTime(at - since)}</time>
            <span>{told(what)}</span>
            <span className="muted">{told(detail)}</span>
          </li>
        ))}
        {latest.length === 0 && <li className="muted">{words().hood.noEvents}</li>}
      </ol>
    </section>
  );
}

/** What happened, part by part, as the language says it. */
function told(what: string): string {
  return what.split(" → ").map((part) => words().events[part] ?? part).join(" → ");
}

function callTime(ms: number): string {
  return `${duration(ms)}.${String(Math.floor((Math.max(0, ms) % 1000) / 10)).padStart(2, "0")}`;
}
