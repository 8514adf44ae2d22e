/**
 * The gateway's addresses for a call (those for faces: portraits.ts). Answers are checked where they come in; a failure becomes an ApiError
 * with a kind the page has a sentence for.
 */
import { ATTRIBUTE_PERSONA } from "./protocol";
import type { FailureKind } from "./problems";
import type { Said } from "./words";

export interface Persona {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly tagline: string;
  readonly language: string;
  readonly disclosure: string;
  readonly poster: string | null;
  /** Some seconds of it talking. */
  readonly preview: string | null;
  /** Middle and edge of the portrait's backdrop; the stage continues them. */
  readonly backdrop: readonly [string, string];
  /** Its picture was made from a photo. */
  readonly photo?: boolean;
  /** Set when it wears another face than its own; the picture and the backdrop are then that one's. */
  readonly portrait?: string;
}

export interface PersonaList {
  readonly default: string;
  /** Where calls go, so that the way there can be prepared before anyone presses Start. */
  readonly server_url: string;
  readonly personas: readonly Persona[];
}

export interface Check extends Said {
  readonly name: string;
  readonly ok: boolean;
}

export interface Health {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  /** How long the gateway took to answer. */
  readonly roundTripMs: number;
}

export interface Ticket {
  readonly server_url: string;
  readonly participant_token: string;
}

export class ApiError extends Error {
  constructor(
    readonly kind: FailureKind,
    readonly said?: Said,
  ) {
    super(said?.detail ?? kind);
    this.name = "ApiError";
  }
}

const PATIENCE_MS = 8000;

export async function fetchPersonas(): Promise<PersonaList> {
  const answer = await ask("/api/personas");
  if (!answer.ok) throw await failed(answer);
  return (await answer.json()) as PersonaList;
}

/** Never rejects: a gateway that does not answer is a health of its own. */
export async function fetchHealth(): Promise<Health> {
  const before = performance.now();
  try {
    const answer = await ask("/api/health");
    const body = (await answer.json()) as { checks?: readonly Check[] };
    const roundTripMs = performance.now() - before;
    return { ok: answer.ok, checks: body.checks ?? [], roundTripMs };
  } catch {
    const away = { detail: "The server that gave you this page does not answer.", code: "page-away" };
    return { ok: false, checks: [{ name: "gateway", ok: false, ...away }], roundTripMs: 0 };
  }
}

export interface TicketWish {
  readonly persona: string;
  readonly portrait?: string | undefined;
  /** Set when a call that dropped is taken up again. */
  readonly room?: string | undefined;
  readonly identity?: string | undefined;
}

/** A token for a new call, or for the same place in a call that goes on. */
export async function fetchTicket(wish: TicketWish): Promise<Ticket> {
  const answer = await ask("/api/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      room_name: wish.room,
      participant_identity: wish.identity,
      participant_attributes: { [ATTRIBUTE_PERSONA]: wish.persona },
      portrait: wish.portrait,
    }),
  });
  if (!answer.ok) throw await failed(answer);
  return (await answer.json()) as Ticket;
}

/** Ask this server. Rejects with an ApiError when it does not answer in time. */
export async function ask(path: string, init: RequestInit = {}, patienceMs = PATIENCE_MS): Promise<Response> {
  const patience = AbortSignal.timeout(patienceMs);
  const signal = init.signal ? AbortSignal.any([init.signal, patience]) : patience;
  try {
    return await fetch(path, { ...init, signal });
  } catch {
    throw new ApiError("server-away");
  }
}

/** The error that a refusing answer means, with the server's sentence if it gave one. */
export async function failed(answer: Response): Promise<ApiError> {
  const kind = answer.status >= 500 ? "server-away" : "refused";
  try {
    const { detail, code } = (await answer.json()) as { detail?: unknown; code?: unknown };
    if (typeof detail !== "string") return new ApiError(kind);
    return new ApiError(kind, typeof code === "string" ? { detail, code } : { detail });
  } catch {
    return new ApiError(kind);
  }
}
