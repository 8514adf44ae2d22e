/**
 * One call from Start to the end, over as many connections as it takes. START HERE for the call.
 *
 * It owns the microphone, the media elements, the line and every timer, and ends them all in
 * `leave()`. React reads it through `subscribe` and `view`; nothing here knows React.
 */
import { ConnectionError, ConnectionErrorReason, ConnectionState } from "livekit-client";
import { ApiError, fetchTicket, type Ticket, type Persona } from "../api";
import type { Failure } from "../problems";
import { MARK } from "../protocol";
import { converse, type Conversation, type ConversationEvent } from "./conversation";
import { Line } from "./line";
import { Media } from "./media";
import { Microphone } from "./microphone";
import { INITIAL, reduce, type CallEvent, type CallState } from "./state";

export interface CallView {
  readonly call: CallState;
  readonly talk: Conversation;
}

export const GIVE_UP_MS = 60_000;
const AGENT_COMES_MS = 10_000;
/** After a reconnection: a worker that was away when the room was made is never called into it. */
const AGENT_COMES_BACK_MS = 5000;
const PICTURE_COMES_MS = 4000;
const RETRY_MS = 1000;
const WAITING_LIMIT = 50;

export class CallSession {
  /** Tells React that this is another call. */
  readonly key = crypto.getRandomValues(new Uint32Array(1)).join();
  readonly media: Media;
  readonly microphone: Microphone;
  private current: CallView;
  private readonly listeners = new Set<() => void>();
  private line: Line | null = null;
  private place: { room: string; identity: string } | null = null;
  /** Raised by everything that makes an attempt under way pointless; the attempt compares and stops. */
  private attempt = 0;
  private readonly timers = new Map<"agent" | "picture" | "retry" | "give-up", number>();
  private spoken = 0;
  /** When the line was lost, until the agent is there again; wall time. */
  private lostAt: number | null = null;

  constructor(
    readonly persona: Persona,
    talk: Conversation = [],
  ) {
    this.current = { call: INITIAL, talk };
    this.media = new Media(() => {
      this.call({ type: "picture", picture: "on" });
    });
    this.microphone = new Microphone((mic) => {
      this.call({ type: "mic", mic });
    });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly view = (): CallView => this.current;

  /** Begin the call. Token and microphone are asked for at once; neither waits for the other. */
  start(options: { withMicrophone: boolean }): void {
    for (const name of Object.values(MARK)) performance.clearMarks(name);
    performance.mark(MARK.start);
    this.call({ type: "start" });
    if (options.withMicrophone) void this.openMicrophone();
    void this.join();
  }

  /** A new room after a failure; what was said stays. */
  startAgain(): void {
    this.drop();
    this.lostAt = null;
    this.place = null;
    this.call({ type: "start" });
    void this.join();
  }

  async openMicrophone(): Promise<void> {
    const track = await this.microphone.open();
    if (track !== null) await this.publishMicrophone();
  }

  closeMicNotice(): void {
    this.call({ type: "mic-notice-closed" });
  }

  async turnSoundOn(): Promise<void> {
    await this.line?.room.startAudio();
  }

  /** Do not wait for the connection to heal: take a new one. */
  reconnectNow(): void {
    if (this.current.call.phase !== "reconnecting") return;
    this.line?.close();
    void this.rejoin();
  }

  /** Write to the persona. Goes out when it is there; kept until then. */
  send(text: string): void {
    const clean = text.trim();
    if (clean === "") return;
    this.spoken += 1;
    const id = `typed-${this.spoken}-${Date.now()}`;
    const waiting = this.current.talk.filter((message) => message.delivery === "waiting").length;
    const delivery = waiting < WAITING_LIMIT ? "waiting" : "failed";
    this.talk({ type: "typed", id, text: clean, delivery, at: Date.now() });
    void this.deliver();
  }

  sendAgain(id: string): void {
    this.talk({ type: "delivery", id, delivery: "waiting" });
    void this.deliver();
  }

  leave(): void {
    this.call({ type: "ended", ending: "left", at: Date.now() });
  }

  private drop(): void {
    this.attempt += 1;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    this.line?.close();
    this.line = null;
  }

  private async join(): Promise<void> {
    const attempt = (this.attempt += 1);
    try {
      await this.connect(attempt);
    } catch (error) {
      if (attempt === this.attempt) this.call({ type: "failed", failure: failureOf(error) });
    }
  }

  /** Take a new token and connect again, once a second, until it works or a minute is over. */
  private async rejoin(): Promise<void> {
    const attempt = (this.attempt += 1);
    this.clear("retry");
    this.lostAt ??= Date.now();
    this.call({ type: "line-lost" });
    try {
      await this.connect(attempt);
    } catch {
      if (attempt === this.attempt) this.after("retry", RETRY_MS, () => void this.rejoin());
    }
  }

  private async connect(attempt: number): Promise<void> {
    const ticket: Ticket = await fetchTicket({ persona: this.persona.id, ...this.place });
    if (attempt !== this.attempt) return;
    const line = new Line(this.media, {
      call: (event) => { if (this.line === line) this.call(event); },
      talk: (event) => { this.talk(event); },
      lost: () => { if (this.line === line) void this.rejoin(); },
    });
    this.line?.close();
    this.line = line;
    try {
      await line.connect(ticket);
    } catch (error) {
      line.close();
      throw error;
    }
    if (attempt !== this.attempt) {
      line.close();
      return;
    }
    if (this.current.call.phase === "reconnecting") this.call({ type: "resumed" });
    this.place = { room: line.room.name, identity: line.room.localParticipant.identity };
    await this.publishMicrophone();
  }

  private async publishMicrophone(): Promise<void> {
    const { track } = this.microphone;
    const line = this.line;
    if (track === null || line?.room.state !== ConnectionState.Connected) return;
    try {
      await line.publish(track);
    } catch {
      // the line broke meanwhile; the next one publishes again
    }
  }

  /** Send what waits, in order, once the persona can read it. */
  private async deliver(): Promise<void> {
    const { line } = this;
    for (;;) {
      const next = this.current.talk.find((message) => message.delivery === "waiting");
      if (next === undefined || line === null || line !== this.line || !canRead(this.current.call)) {
        return;
      }
      this.talk({ type: "delivery", id: next.id, delivery: "done" });
      try {
        await line.send(next.text);
      } catch {
        this.talk({ type: "delivery", id: next.id, delivery: "failed" });
      }
    }
  }

  private call(event: CallEvent): void {
    const before = this.current.call;
    const call = reduce(before, event);
    if (call === before) return;
    this.current = { ...this.current, call };
    this.follow(before, call);
    for (const listener of this.listeners) listener();
  }

  /** The timers and side effects that belong to a change of state. */
  private follow(before: CallState, call: CallState): void {
    if (call.phase !== before.phase) {
      this.clear("agent");
      if (call.phase === "joining") {
        const patience = this.lostAt === null ? AGENT_COMES_MS : AGENT_COMES_BACK_MS;
        this.after("agent", patience, this.agentMissing);
      }
      if (call.phase === "live") this.lostAt = null;
      if (call.phase === "reconnecting") this.after("give-up", GIVE_UP_MS, this.giveUp);
      else this.clear("give-up");
      if (call.phase === "ended") {
        this.drop();
        this.microphone.close();
      }
    }
    if (call.agent !== null && before.agent === null) {
      this.after("picture", PICTURE_COMES_MS, () => { this.call({ type: "picture-overdue" }); });
    }
    if (canRead(call) && !canRead(before)) queueMicrotask(() => void this.deliver());
  }

  private readonly agentMissing = (): void => {
    if (this.lostAt !== null && Date.now() - this.lostAt < GIVE_UP_MS) {
      this.drop();
      this.place = null;
      this.after("agent", AGENT_COMES_BACK_MS, this.agentMissing);
      void this.join();
      return;
    }
    this.call({ type: "failed", failure: { kind: "agent-missing" } });
  };

  private readonly giveUp = (): void => {
    this.drop();
    this.call({ type: "failed", failure: { kind: "gave-up" } });
  };

  private talk(event: ConversationEvent): void {
    const talk = converse(this.current.talk, event);
    if (talk === this.current.talk) return;
    this.current = { ...this.current, talk };
    for (const listener of this.listeners) listener();
  }

  private after(name: "agent" | "picture" | "retry" | "give-up", ms: number, act: () => void): void {
    this.clear(name);
    this.timers.set(name, window.setTimeout(act, ms));
  }

  private clear(name: "agent" | "picture" | "retry" | "give-up"): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }
}

/** An agent that is still getting ready would miss a message. */
function canRead(call: CallState): boolean {
  return call.phase === "live" && call.agent !== null && call.agent !== "initializing";
}

function failureOf(error: unknown): Failure {
  if (error instanceof ApiError) {
    return error.detail === undefined
      ? { kind: error.kind }
      : { kind: error.kind, detail: error.detail };
  }
  if (error instanceof ConnectionError) {
    if (error.reason === ConnectionErrorReason.NotAllowed) return { kind: "refused" };
    if (/pc connection|peer connection|ice/i.test(error.message)) return { kind: "network-blocked" };
  }
  return { kind: "server-away" };
}
