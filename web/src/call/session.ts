/**
 * One call from Start to the end. START HERE for the call.
 *
 * It owns the microphone, the media elements, the connection (connection.ts) and what was said, and ends
 * them all in `leave()`. React reads it through `subscribe` and `view`; nothing here knows React.
 */
import { RpcError } from "livekit-client";
import type { Persona } from "../api";
import type { DeviceKind } from "../devices/choice";
import { MARK, METHOD_AVATAR, METHOD_SWITCH } from "../protocol";
import { fromServer, words } from "../words";
import { fetchCast, find, isSame } from "./cast";
import { Connection } from "./connection";
import { converse, unfinished, type Conversation, type ConversationEvent } from "./conversation";
import { forgetCall, keepCall, type KeptCall } from "./kept";
import { Media } from "./media";
import { Observer } from "./observer";
import { Outgoing } from "./outgoing";
import { INITIAL, isPassing, reduce, type CallEvent, type CallState } from "./state";
import { TalkKey } from "./talkKey";
import { Writing } from "./writing";

export interface CallView {
  /** Who is there: another persona or another face can take over inside the call. */
  readonly persona: Persona;
  readonly call: CallState;
  readonly talk: Conversation;
}

/** For a notice that asks for nothing. */
const READ_MS = 8000;

export class CallSession {
  /** Tells React that this is another call. */
  readonly key = crypto.getRandomValues(new Uint32Array(1)).join();
  readonly media: Media;
  /** Microphone, camera and screen. */
  readonly own: Outgoing;
  readonly talkKey: TalkKey;
  readonly observer: Observer;
  readonly writing: Writing;
  private readonly connection: Connection;
  private current: CallView;
  private readonly listeners = new Set<() => void>();

  constructor(persona: Persona, talk: Conversation = []) {
    this.current = { persona, call: INITIAL, talk };
    this.media = new Media(
      () => { this.call({ type: "picture", picture: "on" }); },
      () => { this.call({ type: "picture", picture: "none" }); },
    );
    this.own = new Outgoing((event) => { this.call(event); });
    this.observer = new Observer(
      this.media,
      () => this.own.microphone.track,
      {
        quality: (quality) => { if (this.current.call.phase === "live") this.call({ type: "quality", quality }); },
        stalled: (stalled) => { this.stalled(stalled); },
        unfinished: () => unfinished(this.current.talk),
      },
    );
    this.connection = new Connection({
      media: this.media,
      own: this.own,
      persona: () => this.persona,
      state: () => this.current.call,
      call: (event) => { this.call(event); },
      talk: (event) => { this.talk(event); },
      cast: (id, portrait) => void this.castIs(id, portrait),
    });
    this.talkKey = new TalkKey({
      microphone: this.own.microphone,
      state: () => this.current.call,
      tell: (held) => { this.call({ type: "held", held }); },
      ask: (method, payload) => this.connection.ask(method, payload),
    });
    this.writing = new Writing({
      talk: () => this.current.talk,
      tell: (event) => { this.talk(event); },
      sender: () => {
        const { line } = this.connection;
        return line !== null && canRead(this.current.call) ? (text) => line.send(text) : null;
      },
      sent: () => { this.observer.mark({ type: "sent", at: performance.now() }); },
    });
  }

  get persona(): Persona {
    return this.current.persona;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly view = (): CallView => this.current;

  /** Begin the call. Token and devices are asked for at once; none waits for another. */
  start(opening: { withMicrophone: boolean; withCamera: boolean }): void {
    for (const name of Object.values(MARK)) if (name !== MARK.canStart) performance.clearMarks(name);
    performance.mark(MARK.start);
    this.call({ type: "start" });
    if (opening.withMicrophone) void this.own.openMicrophone();
    if (opening.withCamera) void this.own.toggle(this.own.camera);
    void this.connection.join();
  }

  /** Take up a call that a reload of the page interrupted. */
  resume(kept: KeptCall): void {
    this.connection.place = { room: kept.room, identity: kept.identity };
    this.call({ type: "start" });
    if (kept.liveSince !== null) this.call({ type: "began", at: kept.liveSince });
    if (kept.textOnly) this.setTextOnly(true);
    this.call({ type: "dropped", at: kept.at });
    if (kept.microphone === "muted") void this.own.microphone.setOn(false);
    if (kept.microphone !== null) void this.own.openMicrophone();
    void this.connection.rejoin();
  }

  /** The page goes away, perhaps only to be loaded again: the room keeps the place for a while. */
  suspend(): void {
    const { place } = this.connection;
    const { call, talk, persona } = this.current;
    if (place === null || call.phase === "ended" || call.phase === "failed") return;
    const microphone = call.mic === "on" || call.mic === "muted" ? call.mic : null;
    const { liveSince, textOnly } = call;
    keepCall({ ...place, persona, talk, liveSince, textOnly, microphone, at: Date.now() });
  }

  /** A new room after a failure; what was said stays. */
  startAgain(): void {
    void this.connection.joinAnew();
  }

  toggleMicrophone(): void {
    const { mic, pushToTalk } = this.current.call;
    if (pushToTalk && (mic === "on" || mic === "muted")) return; // the held key opens it
    if (mic === "on") void this.own.microphone.setOn(false);
    else if (mic === "muted") void this.own.microphone.setOn(true);
    else if (mic !== "asking") void this.own.openMicrophone();
  }

  /** Another device, in the same call. The choice itself is kept by useDevices. */
  useDevice(kind: DeviceKind, id: string): void {
    const { camera, microphone } = this.own;
    if (kind === "audiooutput") this.media.useSpeaker(id);
    else if (kind === "audioinput") {
      void microphone.use(id).then(() => {
        this.call({ type: "swapped" });
        return this.own.publish();
      });
    } else if (camera.track !== null) {
      camera.close();
      void this.own.toggle(camera);
    }
  }

  /** Another persona, or another face, on the same tracks. Returns what went wrong, or null. */
  async switchTo(persona: Persona): Promise<string | null> {
    const { line } = this.connection;
    if (line === null) return words().switching.failed;
    try {
      await line.ask(METHOD_SWITCH, JSON.stringify({ persona: persona.id, portrait: persona.portrait ?? null }));
    } catch (error) {
      return refusal(error);
    }
    this.show(persona);
    return null;
  }

  /** Close the avatar and go on in writing, or open it again. The page does its part at once. */
  setTextOnly(textOnly: boolean): void {
    this.call({ type: "text-only", textOnly });
  }

  closeMicNotice(): void {
    this.call({ type: "mic-notice-closed" });
  }

  closeCameraNotice(): void {
    this.call({ type: "camera-notice-closed" });
  }

  closeProblem(): void {
    this.call({ type: "problem-closed" });
  }

  async turnSoundOn(): Promise<void> {
    await this.connection.line?.room.startAudio();
  }

  /** Do not wait for the connection to heal: take a new one. */
  reconnectNow(): void {
    if (this.current.call.phase === "reconnecting") void this.connection.takeNew();
  }

  leave(): void {
    this.call({ type: "ended", ending: "left", at: Date.now() });
  }

  /** The call in figures, as JSON. Nothing of what was said is in it. */
  report(): string {
    const { history, trace } = this.observer.view();
    const { call } = this.current;
    return JSON.stringify(
      { made: new Date().toISOString(), browser: navigator.userAgent, persona: this.persona.id, call, trace, history },
      null,
      2,
    );
  }

  /** The agent says who it is: usually who it was asked to be, but it may have been told otherwise. */
  private async castIs(id: string, portrait: string): Promise<void> {
    if (isSame(this.persona, id, portrait)) return;
    const found = await fetchCast().then((cast) => find(cast, id, portrait), () => null);
    if (found !== null) this.show(found);
  }

  private show(persona: Persona): void {
    this.current = { ...this.current, persona };
    this.changed();
  }

  /** Media tells of a lost network before the connection does. */
  private stalled(stalled: boolean): void {
    if (stalled) this.call({ type: "dropped", at: Date.now() });
    else if (this.current.call.phase === "reconnecting" && this.connection.line?.joined === true) this.call({ type: "resumed" });
  }

  private call(event: CallEvent): void {
    const before = this.current.call;
    const call = reduce(before, event);
    if (call === before) return;
    this.current = { ...this.current, call };
    this.follow(before, call);
    this.changed();
  }

  private talk(event: ConversationEvent): void {
    const talk = converse(this.current.talk, event);
    if (talk === this.current.talk) return;
    this.current = { ...this.current, talk };
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** What belongs to a change of state. */
  private follow(before: CallState, call: CallState): void {
    this.connection.follow(before, call);
    if (call.phase !== before.phase) {
      if (call.phase === "live") this.observer.open();
      if (call.phase === "ended") {
        this.own.close();
        this.observer.close();
        forgetCall();
      }
    }
    this.observer.follow(before, call);
    const { level, phase } = call;
    if (phase === "live" && isPassing(level) && (level !== before.level || phase !== before.phase)) {
      window.setTimeout(() => { this.call({ type: "level-read", level }); }, READ_MS);
    }
    if (call.pushToTalk && !call.held && call.mic === "on") void this.own.microphone.setOn(false);
    const reads = canRead(call) && !canRead(before);
    if (call.textOnly !== before.textOnly) this.media.hush(call.textOnly);
    // an agent that has just come does not know that the avatar is closed
    if (call.textOnly !== before.textOnly || (call.textOnly && reads)) {
      void this.connection.ask(METHOD_AVATAR, JSON.stringify({ open: !call.textOnly }));
    }
    if (reads) queueMicrotask(() => void this.writing.deliver());
  }
}

/** An agent that is still getting ready would miss a message. */
function canRead(call: CallState): boolean {
  return call.phase === "live" && call.agent !== null && call.agent !== "initializing";
}

/** Why the agent did not change: its own sentence where it gave one. */
function refusal(error: unknown): string {
  if (!(error instanceof RpcError)) return words().switching.failed;
  if (error.code === RpcError.ErrorCode.UNSUPPORTED_METHOD) return words().switching.unknown;
  return error.message.endsWith(".") ? fromServer({ detail: error.message, code: error.data }) : words().switching.failed;
}
