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
/** A last frame stays for so long: the next face is often on its way, from another participant. */
const HOLD_MS = 2500;
/** Some browsers show a track that is put into a playing stream only when they are told again. */
const NUDGE_MS = 1000;

export class Media {
  readonly video = document.createElement("video");
  private picture: RemoteVideoTrack | null = null;
  /** One stream for all pictures: a last frame stays until the next track has its first. */
  private readonly shown = new MediaStream();
  private leaving: number | undefined;
  private nudging: number | undefined;
  private readonly sounds = new Map<RemoteAudioTrack, HTMLMediaElement>();
  private speaker = loadChoice().audiooutput;
  private loudness = 1;
  private hushed = false;
  private buffered = USUAL_BUFFER_MS;

  constructor(private readonly onFirstFrame: () => void, private readonly onNoPicture: () => void) {
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
      this.show(track);
    } else if (track instanceof RemoteAudioTrack && !this.sounds.has(track)) {
      const element = track.attach();
      element.hidden = true;
      document.body.append(element);
      this.sounds.set(track, element);
      track.setVolume(this.heard);
      if (this.speaker !== "") void this.route(track);
      markFirstSound(track);
    }
  }

  private show(track: RemoteVideoTrack): void {
    window.clearTimeout(this.leaving);
    window.clearTimeout(this.nudging);
    this.picture = track;
    const before = this.shown.getTracks();
    this.shown.addTrack(track.mediaStreamTrack);
    for (const old of before) this.shown.removeTrack(old);
    if (this.video.srcObject === null) this.play();
    else this.nudging = window.setTimeout(() => { this.play(); }, NUDGE_MS);
    this.video.requestVideoFrameCallback(() => {
      window.clearTimeout(this.nudging);
      markOnce(MARK.firstVideoFrame);
      this.onFirstFrame();
    });
  }

  private play(): void {
    this.video.srcObject = this.shown;
    void this.video.play().catch(() => undefined); // another track came meanwhile: it plays itself
  }

  remove(track: RemoteTrack): void {
    if (track === this.picture) {
      this.leaving = window.setTimeout(() => { this.drop(); }, HOLD_MS);
    } else if (track instanceof RemoteAudioTrack) {
      track.detach().forEach((element) => { element.remove(); });
      this.sounds.delete(track);
    }
  }

  private drop(): void {
    window.clearTimeout(this.leaving);
    window.clearTimeout(this.nudging);
    for (const old of this.shown.getTracks()) this.shown.removeTrack(old);
    this.video.srcObject = null;
    this.picture = null;
    this.onNoPicture();
  }

  get soundTrack(): RemoteAudioTrack | null {
    return [...this.sounds.keys()].at(-1) ?? null; // the newest: one before it may be of a worker that died
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
    for (const track of this.sounds.keys()) void this.route(track);
  }

  private get heard(): number {
    return this.hushed ? 0 : this.loudness;
  }

  private async route(track: RemoteAudioTrack): Promise<void> {
    if (!("setSinkId" in HTMLMediaElement.prototype)) return;
    await track.setSinkId(this.speaker).catch(() => undefined); // unplugged meanwhile: the old one goes on
  }

  clear(): void {
    if (this.picture !== null) this.drop();
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
