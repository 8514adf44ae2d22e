/** What the person sends: their camera, mirrored as they know themselves, and a word when the screen goes out. */
import { useEffect, useRef } from "react";
import { MicMeter } from "./MicMeter";
import type { CallSession } from "./session";
import { useCall } from "./useCall";
import { words } from "../words";

export function SelfView({ session }: { session: CallSession }) {
  const { call } = useCall(session);
  const { camera, screen, microphone } = session.own;
  const sent = call.camera === "on" ? camera.track : call.screen === "on" ? screen.track : null;
  const media = sent?.mediaStreamTrack ?? null;
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (video.current !== null) video.current.srcObject = media === null ? null : new MediaStream([media]);
  }, [media]);
  if (media === null) return null;
  const mirrored = call.camera === "on";
  return (
    <div className="pip">
      <video
        ref={video}
        className={mirrored ? "mirror" : undefined}
        autoPlay
        playsInline
        muted
        aria-label={mirrored ? words().devices.yourCamera : words().devices.yourScreen}
      />
      <span className="tag">
        {call.screen === "on" ? words().devices.yourScreen : words().you}
        {call.mic === "on" && microphone.track !== null && <MicMeter track={microphone.track} />}
      </span>
    </div>
  );
}
