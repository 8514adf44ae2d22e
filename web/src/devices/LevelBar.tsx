/** The microphone's level as a row of 20 segments; it says in words only that something is heard. */
import { useLevel } from "./level";
import { words } from "../words";

const SEGMENTS = Array.from({ length: 20 }, (_, index) => index);

export function LevelBar({ track }: { track: MediaStreamTrack | null }) {
  const level = useLevel(track, SEGMENTS.length);
  return (
    <span className="levelbar" role="img" aria-label={track === null ? words().devices.notTried : words().devices.level}>
      {SEGMENTS.map((segment) => <i key={segment} className={segment < level ? "on" : undefined} />)}
    </span>
  );
}
