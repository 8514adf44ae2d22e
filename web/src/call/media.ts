/**
 * The avatar's picture and sound: which tracks are shown, and the marks of the first of each.
 * Elements belong to the call, not to React, so a track is on screen in the moment it arrives.
 */
import { Track, type RemoteAudioTrack, type RemoteTrack, type RemoteVideoTrack } from "livekit-client";
import { MARK } from "../protocol";

const LISTEN_FOR_MS = 20_000;
const AUDIBLE = 0.002;

export class Media {
  readonly video = document.createElement("video");
  private picture: RemoteTrack | null = null;
  private readonly sounds = new Map<RemoteTrack, HTMLMediaElement>();

  constructor(private readonly onFirstFrame: () => void) {
    this.video.autoplay = true;
    this.video.playsInline = true;
    this.video.muted = true; // the sound has its own element; a muted video may always play
    this.video.disablePictureInPicture = true;
  }

  get videoTrack(): RemoteVideoTrack | null {
    return this.picture as RemoteVideoTrack | null;
  }

  add(track: RemoteTrack): void {
    if (track.kind === Track.Kind.Video) {
      this.picture?.detach(this.video);
      this.picture = track;
      track.attach(this.video);
      this.video.requestVideoFrameCallback(() => {
        mark(MARK.firstVideoFrame);
        this.onFirstFrame();
      });
    } else if (!this.sounds.has(track)) {
      const element = track.attach();
      element.hidden = true;
      document.body.append(element);
      this.sounds.set(track, element);
      markFirstSound(track as RemoteAudioTrack);
    }
  }

  remove(track: RemoteTrack): void {
    if (track === this.picture) {
      // detached only: the last frame stays until the next picture comes
      track.detach();
      this.picture = null;
    }
    track.detach().forEach((element) => {
      element.remove();
    });
    this.sounds.get(track)?.remove();
    this.sounds.delete(track);
  }

  clear(): void {
    if (this.picture !== null) this.remove(this.picture);
    for (const track of [...this.sounds.keys()]) this.remove(track);
  }
}

/** Only the first of a call counts; a rejoin must not move it. */
function mark(name: string): void {
  if (performance.getEntriesByName(name).length === 0) performance.mark(name);
}

/** The receiver knows the level of what is being played, without an AudioContext. */
function markFirstSound(track: RemoteAudioTrack): void {
  const until = performance.now() + LISTEN_FOR_MS;
  const look = () => {
    const [source] = track.receiver?.getSynchronizationSources() ?? [];
    if ((source?.audioLevel ?? 0) > AUDIBLE) mark(MARK.firstAudio);
    else if (performance.now() < until) setTimeout(look, 20);
  };
  look();
}
