/** The face and what lies over it: state, notice, captions. The face is never covered by a panel. */
import { useEffect, useRef, type Ref } from "react";
import { backdrop, Portrait } from "../parts/Portrait";
import { Captions } from "./Captions";
import { NoticeCard } from "./NoticeCard";
import type { CallSession } from "./session";
import { StateBadge } from "./StateBadge";
import { badge, notice, voiceOnly } from "./state";
import { useCall } from "./useCall";

interface Props {
  readonly ref: Ref<HTMLElement>;
  readonly session: CallSession;
  readonly captions: boolean;
  readonly onType: () => void;
}

export function Stage({ ref, session, captions, onType }: Props) {
  const { call, talk } = useCall(session);
  const { persona } = session;
  const face = useRef<HTMLDivElement>(null);
  const shown = notice(call);
  const low = shown?.kind === "reconnecting" || shown?.kind === "mic";

  useEffect(() => {
    const { video } = session.media;
    video.setAttribute("aria-label", `${persona.name}, an AI`);
    face.current?.append(video);
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
      aria-label={`${persona.name}, video`}
    >
      <div className="amb" />
      <div className="face" ref={face}>
        <Portrait persona={persona} alt={call.picture === "on" ? "" : `${persona.name}, still picture`} />
      </div>
      {voiceOnly(call) && (
        <div className="voice-rings" aria-hidden="true">
          <span><Portrait persona={persona} alt="" /></span>
        </div>
      )}
      <div className="tl"><StateBadge shown={badge(call)} name={persona.name} /></div>
      {shown !== null && <NoticeCard shown={shown} session={session} onType={onType} />}
      {captions && !low && <Captions talk={talk} name={persona.name} />}
    </section>
  );
}
