/** Five bars that follow the microphone's real level. */
import { useTrackVolume } from "@livekit/components-react";
import type { LocalAudioTrack } from "livekit-client";

const STEPS = [0.04, 0.12, 0.24, 0.4, 0.6];

export function MicMeter({ track }: { track: LocalAudioTrack }) {
  const volume = useTrackVolume(track);
  return <Meter level={STEPS.filter((step) => volume > step).length} />;
}

export function Meter({ level }: { level: number }) {
  return (
    <span className="meter" aria-hidden="true">
      {STEPS.map((step, bar) => (
        <i key={step} className={bar < level ? "on" : undefined} />
      ))}
    </span>
  );
}
