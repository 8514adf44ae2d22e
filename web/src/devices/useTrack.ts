/** A device that is open while it is wanted, and closed the moment it is not. For trying it out. */
import { useEffect, useState } from "react";
import { micProblem, type MicProblem } from "../problems";
import { wish } from "./choice";

export interface Tried {
  readonly track: MediaStreamTrack | null;
  readonly problem: MicProblem | null;
}

const NOTHING: Tried = { track: null, problem: null };

export function useTrack(kind: "audio" | "video", wanted: boolean, device: string, onOpened: () => void): Tried {
  const [tried, setTried] = useState(NOTHING);
  useEffect(() => {
    if (!wanted) return;
    let current = true;
    let opened: MediaStream | null = null;
    const close = () => { opened?.getTracks().forEach((track) => { track.stop(); }); };
    const open = async () => {
      try {
        opened = await navigator.mediaDevices.getUserMedia({ [kind]: wish(device) });
        const track = opened.getTracks()[0] ?? null;
        if (!current) {
          close();
          return;
        }
        track?.addEventListener("ended", () => { if (current) setTried({ track: null, problem: "gone" }); });
        setTried({ track, problem: null });
        onOpened();
      } catch (error) {
        if (current) setTried({ track: null, problem: micProblem(error, window.isSecureContext) });
      }
    };
    void open();
    return () => {
      current = false;
      close();
      setTried(NOTHING);
    };
  }, [kind, wanted, device, onOpened]);
  return tried;
}
