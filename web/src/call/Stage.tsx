/** The face and what lies over it: state, notice, captions. The face is never covered by a panel. */
import { useEffect, useRef, type Ref } from "react";
import { backdrop, Portrait } from "../parts/Portrait";
import { loadAloud, readsAloud } from "./aloud";
import { Captions } from "./Captions";
import { NoticeCard } from "./NoticeCard";
import { SelfView } from "./SelfView";
import type { CallSession } from "./session";
import { StageTools } from "./StageTools";
import { StateBadge } from "./StateBadge";
import { badge, notice, voiceOnly } from "./state";
import { useCall } from "./useCall";
import { words } from "../words";

interface Props {
  readonly ref: Ref<HTMLElement>;
  readonly session: CallSession;
  readonly captions: boolean;
  readonly onType: () => void;
  readonly onDevices: () => void;
  readonly onSwitch: () => void;
}

export function Stage({ ref, session, captions, onType, onDevices, onSwitch }: Props) {
  const { call, talk } = useCall(session);
  const { persona } = session;
  const face = useRef<HTMLDivElement>(null);
  const shown = notice(call);
  const audible = call.sound === "on" && session.media.volume > 0;
  const low = shown?.kind === "reconnecting" || shown?.kind === "mic";

  useEffect(() => {
    const { video } = session.media;
    video.setAttribute("aria-label", words().call.anAi(persona.name));
    face.current?.append(video);
    void video.play().catch(() => undefined); // an element that was out of the page has paused; a new one has nothing yet
    return () => {
      video.remove();
    };
  }, [session, persona.name]);

  return (
    <section
      ref={ref}
      className="stage scene on-pic"
      tabIndex={-1}
      style={backdrop(persona)}
      data-phase={call.phase}
      data-picture={call.picture}
      data-voice-only={voiceOnly(call)}
      aria-label={words().call.video(persona.name)}
    >
      <div className="amb" />
      <div className="face" ref={face}>
        <Portrait key={persona.poster} persona={persona} alt={call.picture === "on" ? "" : words().call.still(persona.name)} />
      </div>
      {voiceOnly(call) && (
        <div className="voice-rings" aria-hidden="true">
          <span><Portrait persona={persona} alt="" /></span>
        </div>
      )}
      <div className="tl"><StateBadge shown={badge(call)} name={persona.name} /></div>
      <StageTools session={session} onSwitch={onSwitch} />
      {shown !== null && <NoticeCard shown={shown} session={session} onType={onType} onDevices={onDevices} />}
      {captions && !low && <Captions talk={talk} name={persona.name} aloud={readsAloud(loadAloud(), audible)} />}
      <SelfView session={session} />
    </section>
  );
}
