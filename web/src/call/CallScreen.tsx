/** The call: header, stage, dock, chat. Failures and the end take its place. */
import { useEffect, useRef, useState, type MouseEvent } from "react";
import { EndPage } from "../pages/EndPage";
import { FailurePage } from "../pages/FailurePage";
import { CallHeader } from "./CallHeader";
import { ChatPanel } from "./ChatPanel";
import { unread } from "./conversation";
import { Dock } from "./Dock";
import type { CallSession } from "./session";
import { Stage } from "./Stage";
import { badge, badgeWord } from "./state";
import { useCall } from "./useCall";
import { useKeys } from "./useKeys";

interface Props {
  readonly session: CallSession;
  readonly onAgain: () => void;
  readonly onHome: () => void;
}

export function CallScreen({ session, onAgain, onHome }: Props) {
  const { call, talk } = useCall(session);
  const { persona, microphone } = session;
  const [captions, setCaptions] = useState(true);
  const [chat, setChat] = useState(false);
  const [seen, setSeen] = useState(0);
  const stage = useRef<HTMLElement>(null);

  const leave = () => { session.leave(); };
  const toggleMicrophone = () => {
    if (call.mic === "on") void microphone.setOn(false);
    else if (call.mic === "muted") void microphone.setOn(true);
    else if (call.mic !== "asking") void session.openMicrophone();
  };
  const showChat = (open: boolean) => {
    setChat(open);
    setSeen(Date.now());
    if (!open) stage.current?.focus();
  };
  useKeys({
    toggleMicrophone,
    toggleCaptions: () => { setCaptions((on) => !on); },
    toggleChat: () => { showChat(!chat); },
    leave,
    escape: () => { showChat(false); },
    hold: () => {
      if (call.mic !== "muted") return false;
      void microphone.setOn(true);
      return true;
    },
    release: () => void microphone.setOn(false),
  });

  useEffect(() => {
    document.title = `${badgeWord(badge(call), persona.name)} · ${persona.name} · Visavis`;
  }, [call, persona.name]);
  useEffect(() => {
    // the page goes away: the server should know at once, not after its patience
    const end = () => { session.leave(); };
    window.addEventListener("pagehide", end);
    return () => { window.removeEventListener("pagehide", end); };
  }, [session]);

  if (call.phase === "ended") {
    return <EndPage session={session} onAgain={onAgain} onHome={onHome} />;
  }
  if (call.failure !== null) {
    return <FailurePage session={session} failure={call.failure} onHome={() => { leave(); onHome(); }} />;
  }
  /** After a mouse press the stage has the focus again, so that Space talks. */
  const giveFocusBack = (event: MouseEvent) => {
    if (event.detail > 0) stage.current?.focus({ preventScroll: true });
  };
  return (
    <>
      <a className="skip" href="#ctl">Skip to the controls</a>
      <main className="call" id="main">
        <h1 className="vh">Call with {persona.name}</h1>
        <CallHeader persona={persona} call={call} />
        <Stage ref={stage} session={session} captions={captions} onType={() => { showChat(true); }} />
        {chat && <ChatPanel session={session} onClose={() => { showChat(false); }} />}
        <Dock
          call={call}
          track={microphone.track}
          captions={captions}
          chat={chat}
          unread={chat ? 0 : unread(talk, seen)}
          onMicrophone={(event) => { toggleMicrophone(); giveFocusBack(event); }}
          onCaptions={(event) => { setCaptions(!captions); giveFocusBack(event); }}
          onChat={() => { showChat(!chat); }}
          onLeave={leave}
        />
      </main>
    </>
  );
}
