/**
 * One connection to one room: LiveKit's events, told as events of the call.
 *
 * LiveKit resumes a broken signal by itself and that is left to it. A full reconnect is not: it would
 * join with the old token, and if the server has lost the room, make it anew without its settings.
 * So the line reports itself lost at that point and the session takes a new token (session.ts).
 */
import {
  ConnectionState,
  DisconnectReason,
  Room,
  RoomEvent,
  Track,
  type LocalTrack,
  type Participant,
  type RemoteParticipant,
  type RemoteTrack,
  type TextStreamHandler,
} from "livekit-client";
import { ATTRIBUTE_FINAL, ATTRIBUTE_ON_BEHALF, ATTRIBUTE_SEGMENT, ATTRIBUTE_TRACK } from "../protocol";
import { ATTRIBUTE_DISCLOSURE, ATTRIBUTE_PERSONA, ATTRIBUTE_PORTRAIT, ATTRIBUTE_PROBLEM } from "../protocol";
import { agentState, isPushToTalk, level, MARK, TOPIC_CHAT, TOPIC_TRANSCRIPTION } from "../protocol";
import type { Ticket } from "../api";
import type { Ending } from "../problems";
import type { ConversationEvent } from "./conversation";
import { Lag } from "./lag";
import { markOnce, type Media } from "./media";
import type { CallEvent } from "./state";

export interface LineListener {
  call(event: CallEvent): void;
  talk(event: ConversationEvent): void;
  /** Who the agent says it is; a portrait of "" is the persona's own. */
  cast(persona: string, portrait: string): void;
  /** The connection broke and will not come back by itself. */
  lost(): void;
}

const ENDINGS = new Map<DisconnectReason, Ending>([
  [DisconnectReason.ROOM_DELETED, "ended"],
  [DisconnectReason.PARTICIPANT_REMOVED, "ended"],
  [DisconnectReason.USER_REJECTED, "ended"],
  [DisconnectReason.DUPLICATE_IDENTITY, "moved"],
]);

/** For a way for sound and picture; who has none is told so. */
const WAY_FOUND_MS = 10_000;
const RESUME_FOR_MS = 60_000;
const RETRY_MS = [0, 300, 700, 1200];

export class Line {
  readonly room: Room;
  private agent: string | null = null;
  private readonly published = new Set<LocalTrack>();
  /** Segments that have had a stream. */
  private readonly segments = new Set<string>();
  /** The room was reached: until then `connect` says what fails. */
  private reached = false;
  private closed = false;
  /** Spoken words, kept with their sound. */
  private readonly spoken: Lag<ConversationEvent>;

  constructor(
    private readonly media: Media,
    private readonly listener: LineListener,
  ) {
    this.spoken = new Lag(() => media.lagMs, (event) => { listener.talk(event); });
    this.room = new Room({
      adaptiveStream: false, // one picture at one size: nothing to adapt, and no wait for a layout
      dynacast: false,
      stopLocalTrackOnUnpublish: false, // the microphone outlives the room
      disconnectOnPageLeave: false, // who reloads the page comes back to the same call
      reconnectPolicy: {
        nextRetryDelayInMs: ({ elapsedMs, retryCount }) =>
          elapsedMs > RESUME_FOR_MS ? null : (RETRY_MS[retryCount] ?? 1500),
      },
    });
    this.listen();
  }

  async connect(ticket: Ticket): Promise<void> {
    await this.room.connect(ticket.server_url, ticket.participant_token, { peerConnectionTimeout: WAY_FOUND_MS });
    this.reached = true;
    markOnce(MARK.connected);
    for (const participant of this.room.remoteParticipants.values()) this.found(participant);
    this.soundChanged();
  }

  /** The room is joined; before that nobody can be missing in it. */
  get joined(): boolean {
    return this.room.state === ConnectionState.Connected;
  }

  /** Publishes a track once, however often it is offered. */
  async publish(track: LocalTrack, source: Track.Source): Promise<void> {
    if (this.published.has(track) || this.room.state !== ConnectionState.Connected) return;
    this.published.add(track);
    await this.room.localParticipant.publishTrack(track, { source });
  }

  async unpublish(track: LocalTrack): Promise<void> {
    if (this.published.delete(track)) await this.room.localParticipant.unpublishTrack(track);
  }

  /** Ask the agent for something. Rejects when there is none, or when it does not know the method. */
  async ask(method: string, payload: string): Promise<string> {
    if (this.agent === null) throw new Error("no agent to ask");
    return this.room.localParticipant.performRpc({ destinationIdentity: this.agent, method, payload });
  }

  async send(text: string): Promise<void> {
    await this.room.localParticipant.sendText(text, { topic: TOPIC_CHAT });
  }

  /** Leaves without a word to the listener; the microphone goes on. Twice is fine. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.room.removeAllListeners();
    this.room.unregisterTextStreamHandler(TOPIC_TRANSCRIPTION);
    this.spoken.flush();
    this.media.clear();
    void this.room.disconnect(false);
  }

  private listen(): void {
    const { room, listener } = this;
    room.registerTextStreamHandler(TOPIC_TRANSCRIPTION, this.transcribed);
    room
      .on(RoomEvent.ParticipantConnected, (one) => { this.found(one); })
      .on(RoomEvent.ParticipantDisconnected, (one) => { this.left(one); })
      .on(RoomEvent.ParticipantAttributesChanged, (_, one) => { this.changed(one); })
      .on(RoomEvent.TrackSubscribed, (track) => { this.media.add(track); this.mediaChanged(track); })
      .on(RoomEvent.TrackUnsubscribed, (track) => { this.media.remove(track); this.mediaChanged(track); })
      .on(RoomEvent.TrackMuted, ({ track }) => { this.mediaChanged(track); })
      .on(RoomEvent.TrackUnmuted, ({ track }) => { this.mediaChanged(track); })
      .on(RoomEvent.TrackStreamStateChanged, ({ track }) => { this.mediaChanged(track); })
      .on(RoomEvent.AudioPlaybackStatusChanged, () => { this.soundChanged(); })
      .on(RoomEvent.SignalReconnecting, () => { if (this.reached) listener.call({ type: "dropped", at: Date.now() }); })
      .on(RoomEvent.Reconnected, () => { listener.call({ type: "resumed" }); })
      .on(RoomEvent.Reconnecting, () => { this.broke(); })
      .on(RoomEvent.Disconnected, (reason) => { this.disconnected(reason); });
  }

  private disconnected(reason: DisconnectReason | undefined): void {
    const ending = reason === undefined ? undefined : ENDINGS.get(reason);
    if (ending === undefined) {
      this.broke();
      return;
    }
    this.listener.call({ type: "ended", ending, at: Date.now() });
    this.close();
  }

  private broke(): void {
    if (this.closed || !this.reached) return;
    this.listener.call({ type: "dropped", at: Date.now() });
    this.close();
    this.listener.lost();
  }

  /** The agent itself, not a worker that sends its picture for it. */
  private found(one: RemoteParticipant): void {
    if (!one.isAgent || one.attributes[ATTRIBUTE_ON_BEHALF] !== undefined) return;
    this.agent = one.identity;
    markOnce(MARK.agentJoined);
    this.listener.call({ type: "agent-joined", state: agentState(one.attributes), at: Date.now() });
    this.told(one.attributes);
  }

  private changed(one: Participant): void {
    if (one.identity !== this.agent) return;
    this.listener.call({ type: "agent-state", state: agentState(one.attributes) });
    this.told(one.attributes);
  }

  private told(attributes: Readonly<Record<string, string>>): void {
    this.listener.call({ type: "policy", pushToTalk: isPushToTalk(attributes) });
    const disclosure = attributes[ATTRIBUTE_DISCLOSURE] ?? null;
    const problem = attributes[ATTRIBUTE_PROBLEM] ?? "";
    this.listener.call({ type: "told", level: level(attributes), disclosure, problem });
    const persona = attributes[ATTRIBUTE_PERSONA];
    if (persona !== undefined) this.listener.cast(persona, attributes[ATTRIBUTE_PORTRAIT] ?? "");
  }

  private left(one: RemoteParticipant): void {
    if (one.identity !== this.agent) return;
    this.agent = null;
    this.spoken.flush();
    this.listener.talk({ type: "all-closed" });
    this.listener.call({ type: "agent-left" });
  }

  private mediaChanged(track: Track | undefined): void {
    if (track?.kind !== Track.Kind.Video) {
      this.soundChanged();
      return;
    }
    const shown = this.media.videoTrack;
    if (shown === null) this.listener.call({ type: "picture", picture: "none" });
    else if (isPaused(shown)) this.listener.call({ type: "picture", picture: "paused" });
    // a first picture is reported by its first frame, later ones here
    else if (this.media.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
      this.listener.call({ type: "picture", picture: "on" });
    }
  }

  private soundChanged(): void {
    const heard = [...this.room.remoteParticipants.values()].some((one) =>
      [...one.audioTrackPublications.values()].some((publication) => publication.isSubscribed),
    );
    const blocked = !this.room.canPlaybackAudio;
    this.listener.call({ type: "sound", sound: heard ? (blocked ? "blocked" : "on") : "none" });
  }

  private readonly transcribed: TextStreamHandler = (reader, { identity }) => {
    const attributes = reader.info.attributes ?? {};
    const id = attributes[ATTRIBUTE_SEGMENT] ?? reader.info.id;
    const from = identity === this.room.localParticipant.identity ? "you" : "them";
    const how = from === "you" || attributes[ATTRIBUTE_TRACK] !== undefined ? "spoken" : "typed";
    void this.read(reader, { id, from, how, whole: from === "you" });
  };

  private async read(
    reader: Parameters<TextStreamHandler>[0],
    segment: { id: string; from: "you" | "them"; how: "spoken" | "typed"; whole: boolean },
  ): Promise<void> {
    const { id, from, how } = segment;
    const { listener } = this;
    const tell = (event: ConversationEvent) => {
      if (from === "them" && how === "spoken") this.spoken.take(event);
      else listener.talk(event);
    };
    const again = this.segments.has(id);
    this.segments.add(id);
    tell({ type: "opened", id, from, how, at: Date.now() });
    let text = "";
    try {
      for await (const piece of reader) {
        text += piece;
        // the first stream of a segment grows; any later one is the whole text anew
        if (segment.whole || again) tell({ type: "replaced", id, text });
        else tell({ type: "piece", id, text: piece });
      }
    } catch {
      // the sender vanished in the middle: what arrived stands
    }
    const final = reader.info.attributes?.[ATTRIBUTE_FINAL] === "true";
    if (final || from === "them") tell({ type: "closed", id });
  }
}

function isPaused(track: RemoteTrack): boolean {
  return track.isMuted || track.streamState === Track.StreamState.Paused;
}
