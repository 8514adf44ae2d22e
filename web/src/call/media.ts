/**
 * The avatar's picture and sound: which tracks are shown, and the marks of the first of each.
 * Elements belong to the call, not to React, so a track is on screen in the moment it arrives.
 */
import { RemoteAudioTrack, RemoteVideoTrack, type RemoteTrack } from "livekit-client";
import { MARK } from "../protocol";

const LISTEN_FOR_MS = 20_000;
const LOOK_EVERY_MS = 40;
const AUDIBLE = 0.002;

export class Media {
  readonly video = document.createElement("video");
  private picture: RemoteVideoTrack | null = null;
  private readonly sounds = new Map<RemoteTrack, HTMLMediaElement>();

  constructor(private readonly onFirstFrame: () => void) {
    this.video.autoplay = true;
    this.video.playsInline = true;
    this.video.muted = true; // the sound has its own element; a muted video may always play
    this.video.disablePictureInPicture = true;
  }

  get videoTrack(): RemoteVideoTrack | null {
    return this.picture;
  }

  add(track: RemoteTrack): void {
    if (track instanceof RemoteVideoTrack) {
      markOnce(MARK.videoTrack);
      this.picture?.detach(this.video);
      this.picture = track;
      track.attach(this.video);
      this.video.requestVideoFrameCallback(() => {
        markOnce(MARK.firstVideoFrame);
        this.onFirstFrame();
      });
    } else if (track instanceof RemoteAudioTrack && !this.sounds.has(track)) {
      const element = track.attach();
      element.hidden = true;
      document.body.append(element);
      this.sounds.set(track, element);
      markFirstSound(track);
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
export function markOnce(name: string): void {
  if (performance.getEntriesByName(name).length === 0) performance.mark(name);
}

/** The receiver's statistics know the level of what is played, without an AudioContext of our own. */
function markFirstSound(track: RemoteAudioTrack): void {
  const until = performance.now() + LISTEN_FOR_MS;
  const look = async () => {
    const report = await track.receiver?.getStats();
    if (report !== undefined && audible(report)) markOnce(MARK.firstAudio);
    else if (performance.now() < until) setTimeout(() => void look(), LOOK_EVERY_MS);
  };
  void look();
}

function audible(report: RTCStatsReport): boolean {
  for (const entry of report.values() as Iterable<Partial<RTCInboundRtpStreamStats>>) {
    if (entry.type === "inbound-rtp" && (entry.audioLevel ?? 0) > AUDIBLE) return true;
  }
  return false;
}
