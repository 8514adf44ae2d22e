/**
 * The face talking for some seconds: once by itself, again when asked; still under reduced motion.
 * Silent, because the clip only hums: the voice is the persona's and comes with the call.
 */
import { useEffect, useRef, useState } from "react";
import { Icon } from "../../parts/Icon";
import { Mark } from "../../parts/Mark";
import type { FaceCard } from "../../portraits";
import { words } from "../../words";

export function Preview({ face, name }: { readonly face: FaceCard; readonly name: string }) {
  const video = useRef<HTMLVideoElement>(null);
  const [playing, setPlaying] = useState(false);
  useEffect(() => {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    video.current?.play().catch(() => undefined); // the button plays it then
  }, []);
  if (face.preview === null) {
    return (
      <div className="moving">
        {face.poster === null ? <span className="noface"><Mark /></span> : <img src={face.poster} alt={words().photo.rest(name)} width={512} height={512} />}
      </div>
    );
  }
  const again = () => {
    const { current } = video;
    if (current === null) return;
    current.currentTime = 0;
    void current.play().catch(() => undefined);
  };
  return (
    <div className="moving on-pic">
      <video
        ref={video}
        src={face.preview}
        poster={face.poster ?? undefined}
        width={512}
        height={512}
        muted
        playsInline
        preload="auto"
        aria-label={words().photo.talking(name)}
        onPlay={() => { setPlaying(true); }}
        onEnded={() => { setPlaying(false); }}
        onPause={() => { setPlaying(false); }}
      />
      {!playing && (
        <button className="tag play" type="button" onClick={again}><Icon name="play" small />{words().photo.play}</button>
      )}
    </div>
  );
}
