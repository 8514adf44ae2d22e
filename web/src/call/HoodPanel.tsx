/** Fetches the panel under the hood when it is first asked for; most calls never need it. */
import { useEffect, useState, type ComponentType } from "react";
import { Icon } from "../parts/Icon";
import type { CallSession } from "./session";
import { words } from "../words";

interface Props {
  readonly session: CallSession;
  readonly onClose: () => void;
}

export function HoodPanel({ session, onClose }: Props) {
  const [Figures, setFigures] = useState<ComponentType<{ session: CallSession }> | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    import("./hood").then(
      (chunk) => { setFigures(() => chunk.Figures); },
      () => { setFailed(true); },
    );
  }, []);
  return (
    <section className="side w" aria-labelledby="hood-title">
      <header>
        <h2 id="hood-title">{words().hood.title}</h2>
        <ExportButton session={session} />
        <button className="ib sm" type="button" aria-label={words().hood.close} title={`${words().hood.close} (Esc)`} onClick={onClose}>
          <Icon name="cross" small />
        </button>
      </header>
      {Figures !== null && <Figures session={session} />}
      {Figures === null && (
        <p className="empty muted small" role="status">
          {failed ? words().hood.notLoaded : words().hood.looking}
        </p>
      )}
    </section>
  );
}

function ExportButton({ session }: { session: CallSession }) {
  const save = () => {
    const address = URL.createObjectURL(new Blob([session.report()], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = "visavis-call.json";
    link.click();
    URL.revokeObjectURL(address);
  };
  return (
    <button className="btn quiet" type="button" title={words().hood.save} onClick={save}>
      <Icon name="download" small />{words().hood.json}
    </button>
  );
}
