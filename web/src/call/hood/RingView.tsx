/**
 * The buffer ring: 20 seconds as 500 slots, and the two seconds around now slot by slot.
 * Drawn on a canvas, when a slot has passed; nothing is drawn while the page is hidden.
 */
import { useEffect, useRef, useState } from "react";
import { EMPTY, PLAYED, READY, SLOT_MS, SLOTS, WAITING, type Ring } from "../ring";
import { drawRing, drawStrip } from "./drawRing";
import { words } from "../../words";

const COUNT_EVERY = 25;

export function RingView({ ring, footer }: { ring: Ring; footer: string }) {
  const round = useRef<HTMLCanvasElement>(null);
  const strip = useRef<HTMLCanvasElement>(null);
  const [counts, setCounts] = useState(() => ring.counts());
  useEffect(() => {
    let frame = 0;
    let drawn = -1;
    const draw = () => {
      frame = requestAnimationFrame(draw);
      if (ring.now === drawn || round.current === null || strip.current === null) return;
      if (drawn < 0 || ring.now - drawn >= COUNT_EVERY || ring.now % COUNT_EVERY === 0) setCounts(ring.counts());
      drawn = ring.now;
      drawRing(round.current, ring);
      drawStrip(strip.current, ring);
    };
    draw();
    return () => { cancelAnimationFrame(frame); };
  }, [ring]);
  const { hood } = words();
  const legend = [[PLAYED, hood.played], [WAITING, hood.waiting], [READY, hood.soundReady], [EMPTY, hood.empty]] as const;
  const all = legend.map(([state, title]) => `${counts[state]} ${title.toLowerCase()}`).join(", ");
  return (
    <section>
      <h3>{hood.ring} <span>{hood.slots(SLOTS)}</span></h3>
      <div className="ringbox">
        <div className="round">
          <canvas ref={round} role="img" aria-label={hood.ringIs(SLOTS, all)} />
          <p aria-hidden="true"><b>{counts[READY] * SLOT_MS} ms</b><span className="xs">{hood.ahead}</span></p>
        </div>
        <ul className="legend">
          {legend.map(([state, title]) => (
            <li key={state}><span className={`sw s${state}`} />{title}<b>{counts[state]}</b></li>
          ))}
        </ul>
      </div>
      <canvas className="strip" ref={strip} aria-hidden="true" />
      <p className="xs muted ends"><span>−1 s</span><span>{hood.now}</span><span>+1 s</span></p>
      <p className="xs muted">{footer}</p>
    </section>
  );
}
