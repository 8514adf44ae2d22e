/**
 * The way to the room, over as many connections as the call takes: it joins, comes back when the line
 * breaks, waits for the agent, and gives up in the end. It owns the line and every timer of that.
 */
import { ConnectionError, ConnectionErrorReason } from "livekit-client";
import { ApiError, fetchHealth, fetchTicket, type Persona, type Ticket } from "../api";
import type { Failure } from "../problems";
import type { ConversationEvent } from "./conversation";
import { Line } from "./line";
import type { Media } from "./media";
import type { Outgoing } from "./outgoing";
import type { CallEvent, CallState } from "./state";
import { Timers } from "./timers";

export const GIVE_UP_MS = 60_000;
const AGENT_COMES_MS = 10_000;
/** After a reconnection: a worker that was away when the room was made is never called into it. */
const AGENT_COMES_BACK_MS = 5000;
const PICTURE_COMES_MS = 4000;
const RETRY_MS = 1000;

export interface Place {
  readonly room: string;
  readonly identity: string;
}

interface Parts {
  readonly media: Media;
  readonly own: Outgoing;
  readonly persona: () => Persona;
  readonly state: () => CallState;
  readonly call: (event: CallEvent) => void;
  readonly talk: (event: ConversationEvent) => void;
  readonly cast: (persona: string, portrait: string) => void;
}

export class Connection {
  /** Where the call is; null until it is known. */
  place: Place | null = null;
  private current: Line | null = null;
  /** Raised by everything that makes an attempt under way pointless; the attempt compares and stops. */
  private attempt = 0;
  private readonly timers = new Timers<"agent" | "picture" | "retry" | "give-up">();
  /** When the line was lost, until the agent is there again; wall time. */
  private lostAt: number | null = null;

  constructor(private readonly parts: Parts) {}

  get line(): Line | null {
    return this.current;
  }

  async join(): Promise<void> {
    const attempt = (this.attempt += 1);
    try {
      await this.connect(attempt);
    } catch (error) {
      if (attempt === this.attempt) this.parts.call({ type: "failed", failure: failureOf(error) });
    }
  }

  /** A new room; the old one is given up. */
  async joinAnew(): Promise<void> {
    this.drop();
    this.lostAt = null;
    this.place = null;
    this.parts.call({ type: "start" });
    await this.join();
  }

  /** Take a new token and connect again, once a second, until it works or a minute is over. */
  async rejoin(): Promise<void> {
    const attempt = (this.attempt += 1);
    this.timers.clear("retry");
    this.lostAt ??= Date.now();
    this.parts.call({ type: "line-lost" });
    try {
      await this.connect(attempt);
    } catch {
      if (attempt === this.attempt) this.timers.after("retry", RETRY_MS, () => void this.rejoin());
    }
  }

  /** Do not wait for the connection to heal: take a new one. */
  async takeNew(): Promise<void> {
    this.current?.close();
    await this.rejoin();
  }

  drop(): void {
    this.attempt += 1;
    this.timers.clearAll();
    this.current?.close();
    this.current = null;
    this.parts.own.use(null);
  }

  /** Ask the agent; one that does not know the method is no failure: the page does without. */
  async ask(method: string, payload: string): Promise<void> {
    await this.current?.ask(method, payload).catch(() => undefined);
  }

  /** The timers that belong to a change of state. */
  follow(before: CallState, call: CallState): void {
    if (call.phase !== before.phase) {
      this.timers.clear("agent");
      if (call.phase === "joining") this.expectAgent();
      if (call.phase === "live") this.lostAt = null;
      if (call.phase === "reconnecting") this.timers.after("give-up", GIVE_UP_MS, this.giveUp);
      else this.timers.clear("give-up");
      if (call.phase === "ended") this.drop();
    }
    if (call.agent !== null && before.agent === null) {
      this.timers.after("picture", PICTURE_COMES_MS, () => { this.parts.call({ type: "picture-overdue" }); });
    }
  }

  private async connect(attempt: number): Promise<void> {
    const { media, own, call, talk, cast } = this.parts;
    const { id, portrait } = this.parts.persona();
    const ticket: Ticket = await fetchTicket({ persona: id, portrait, ...this.place });
    if (attempt !== this.attempt) return;
    const line = new Line(media, {
      call: (event) => { if (this.current === line) call(event); },
      talk,
      cast,
      lost: () => { if (this.current === line) void this.rejoin(); },
    });
    this.current?.close();
    this.current = line;
    own.use(line);
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
    if (this.parts.state().phase === "reconnecting") call({ type: "resumed" });
    this.place = { room: line.room.name, identity: line.room.localParticipant.identity };
    this.expectAgent();
    await own.publish();
  }

  /** From here on the agent should come: the room is joined, and it is not there. */
  private expectAgent(): void {
    if (this.current?.joined !== true || this.parts.state().phase !== "joining") return;
    this.timers.after("agent", this.lostAt === null ? AGENT_COMES_MS : AGENT_COMES_BACK_MS, this.agentMissing);
  }

  private readonly agentMissing = (): void => {
    if (this.lostAt !== null && Date.now() - this.lostAt < GIVE_UP_MS) {
      this.drop();
      this.place = null;
      this.timers.after("agent", AGENT_COMES_BACK_MS, this.agentMissing);
      void this.join();
      return;
    }
    void this.whyMissing(this.attempt);
  };

  private async whyMissing(attempt: number): Promise<void> {
    const { checks } = await fetchHealth();
    if (attempt !== this.attempt || this.parts.state().phase !== "joining") return;
    const full = checks.some(({ code }) => code === "agent-full");
    this.parts.call({ type: "failed", failure: { kind: full ? "full" : "agent-missing" } });
  }

  private readonly giveUp = (): void => {
    this.drop();
    this.parts.call({ type: "failed", failure: { kind: "gave-up" } });
  };
}

function failureOf(error: unknown): Failure {
  if (error instanceof ApiError) {
    return error.said === undefined ? { kind: error.kind } : { kind: error.kind, said: error.said };
  }
  if (error instanceof ConnectionError) {
    if (error.reason === ConnectionErrorReason.NotAllowed) return { kind: "refused" };
    if (/pc connection|peer connection|ice/i.test(error.message)) return { kind: "network-blocked" };
  }
  return { kind: "server-away" };
}
