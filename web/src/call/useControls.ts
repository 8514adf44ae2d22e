/** What the call's controls do, from a button as from a key, and which panel or dialog is open. */
import { useState, type MouseEvent, type RefObject } from "react";
import { unread } from "./conversation";
import { keepLetters, loadLetters, type Action } from "./keys";
import type { CallSession } from "./session";
import { useCall } from "./useCall";
import { useKeys } from "./useKeys";
import { fillScreen } from "./views";

export type Panel = "chat" | "hood" | "cast" | null;
export type Open = "devices" | "keys" | "more" | null;

export interface Controls {
  readonly captions: boolean;
  readonly panel: Panel;
  readonly dialog: Open;
  readonly unread: number;
  readonly letters: boolean;
  readonly setLetters: (on: boolean) => void;
  readonly show: (panel: Panel) => void;
  readonly openDialog: (dialog: Open) => void;
  readonly act: (action: Action | "more", event?: MouseEvent) => void;
}

export function useControls(session: CallSession, stage: RefObject<HTMLElement | null>): Controls {
  const { call, talk } = useCall(session);
  const [captions, setCaptions] = useState(true);
  const [panel, setPanel] = useState<Panel>(null);
  const [dialog, openDialog] = useState<Open>(null);
  const [seen, setSeen] = useState(0);
  const [letters, setLetters] = useState(loadLetters);
  const { own, talkKey } = session;

  const show = (next: Panel) => {
    setPanel(next);
    setSeen(Date.now());
    if (next === null) stage.current?.focus();
  };
  const toggle = (which: Exclude<Panel, null>) => { show(panel === which ? null : which); };
  const actions: Record<Action | "more", () => void> = {
    microphone: () => { session.toggleMicrophone(); },
    camera: () => void own.toggle(own.camera),
    share: () => void own.toggle(own.screen),
    captions: () => { setCaptions((on) => !on); },
    chat: () => { if (!call.textOnly) toggle("chat"); },
    hood: () => { toggle("hood"); },
    switch: () => { toggle("cast"); },
    fullScreen: () => void fillScreen(),
    devices: () => { openDialog("devices"); },
    keys: () => { openDialog("keys"); },
    more: () => { openDialog("more"); },
    leave: () => { session.leave(); },
  };
  const act = (action: Action | "more", event?: MouseEvent) => {
    actions[action]();
    // after a mouse press the stage has the focus again, so that Space talks
    const stays = ["microphone", "camera", "share", "captions"].includes(action);
    if (stays && event !== undefined && event.detail > 0) stage.current?.focus({ preventScroll: true });
  };
  useKeys({
    letters,
    act,
    escape: () => { if (panel !== null) show(null); },
    hold: () => talkKey.press(),
    release: () => { talkKey.release(); },
    cancel: () => { talkKey.cancel(); },
  });
  return {
    captions,
    panel,
    dialog,
    unread: panel === "chat" ? 0 : unread(talk, seen),
    letters,
    setLetters: (on) => {
      setLetters(on);
      keepLetters(on);
    },
    show,
    openDialog,
    act,
  };
}
