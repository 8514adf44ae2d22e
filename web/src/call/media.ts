/**
 * The avatar's picture and sound: which tracks are shown, and the marks of the first of each.
 * Elements belong to the call, not to React, so a track is on screen in the moment it arrives.
 */
import { RemoteAudioTrack, RemoteVideoTrack, type RemoteTrack } from "livekit-client";
import { loadChoice } from "../devices/choice";
import { MARK } from "../protocol";

const LISTEN_FOR_MS = 20_000;
const LOOK_EVERY_MS = 40;
const AUDIBLE = 0.002;
const USUAL_BUFFER_MS = 60;
const LONGEST_LAG_MS = 1000;

export class Media {
  readonly video = document.createElement("video");
  private picture: RemoteVideoTrack | null = null;
  private readonly sounds = new Map<RemoteAudioTrack, HTMLMediaElement>();
  private speaker = loadChoice().audiooutput;
  private loudness = 1;
  private hushed = false;
  private buffered = USUAL_BUFFER_MS;

  constructor(private readonly onFirstFrame: () => void) {
    this.video.autoplay = true;
    this.video.playsInline = true;
    this.video.muted = true; // the sound has its own element; a muted video may always play
    this.video.disablePictureInPicture = true; // no second button of the browser's own over the face
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
      track.setVolume(this.heard);
      if (this.speaker !== "") void this.play(track);
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
    if (track instanceof RemoteAudioTrack) this.sounds.delete(track);
  }

  get soundTrack(): RemoteAudioTrack | null {
    return this.sounds.keys().next().value ?? null;
  }

  /** How long the sound waits here, as measured last; null: it was not. */
  set bufferMs(ms: number | null) {
    this.buffered = ms ?? USUAL_BUFFER_MS;
  }

  /** How much later than its word a sound is played; from there to the ear it takes as long as a word to the screen. */
  get lagMs(): number {
    return Math.min(LONGEST_LAG_MS, this.buffered);
  }

  get volume(): number {
    return this.loudness;
  }

  /** 0 to 1; holds for tracks that come later too. */
  setVolume(volume: number): void {
    this.loudness = volume;
    for (const track of this.sounds.keys()) track.setVolume(this.heard);
  }

  /** Silence that leaves the volume as it is. */
  hush(hushed: boolean): void {
    this.hushed = hushed;
    for (const track of this.sounds.keys()) track.setVolume(this.heard);
  }

  /** Play on another speaker; "" is the system's own. */
  useSpeaker(speaker: string): void {
    this.speaker = speaker;
    for (const track of this.sounds.keys()) void this.play(track);
  }

  private get heard(): number {
    return this.hushed ? 0 : this.loudness;
  }

  private async play(track: RemoteAudioTrack): Promise<void> {
    if (!("setSinkId" in HTMLMediaElement.prototype)) return;
    await track.setSinkId(this.speaker).catch(() => undefined); // unplugged meanwhile: the old one goes on
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
