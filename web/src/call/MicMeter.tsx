/** Five bars that follow the microphone's real level. */
import type { LocalAudioTrack } from "livekit-client";
import { useLevel } from "../devices/level";

const BARS = [0, 1, 2, 3, 4];

export function MicMeter({ track }: { track: LocalAudioTrack }) {
  return <Meter level={useLevel(track.mediaStreamTrack, BARS.length)} />;
}

export function Meter({ level }: { level: number }) {
  return (
    <span className="meter" aria-hidden="true">
      {BARS.map((bar) => <i key={bar} className={bar < level ? "on" : undefined} />)}
    </span>
  );
}
