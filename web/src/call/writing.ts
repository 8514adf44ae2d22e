/**
 * What the person writes, on its way to the agent: kept while nobody can read it, sent once and in order
 * as soon as somebody can. A message is marked as sent before it is sent, so that a connection that breaks
 * in between cannot send it twice.
 */
import type { Conversation, ConversationEvent } from "./conversation";

interface Parts {
  readonly talk: () => Conversation;
  readonly tell: (event: ConversationEvent) => void;
  /** How to send now; null while there is nobody who could read it. */
  readonly sender: () => ((text: string) => Promise<void>) | null;
  readonly sent: () => void;
}

const WAITING_LIMIT = 50;

export class Writing {
  private written = 0;

  constructor(private readonly parts: Parts) {}

  send(text: string): void {
    const clean = text.trim();
    if (clean === "") return;
    this.written += 1;
    const id = `typed-${this.written}-${Date.now()}`;
    const waiting = this.parts.talk().filter((message) => message.delivery === "waiting").length;
    const delivery = waiting < WAITING_LIMIT ? "waiting" : "failed";
    this.parts.tell({ type: "typed", id, text: clean, delivery, at: Date.now() });
    void this.deliver();
  }

  again(id: string): void {
    this.parts.tell({ type: "delivery", id, delivery: "waiting" });
    void this.deliver();
  }

  /** Send what waits, as long as somebody can read it. */
  async deliver(): Promise<void> {
    const { talk, tell, sender, sent } = this.parts;
    for (;;) {
      const next = talk().find((message) => message.delivery === "waiting");
      const send = sender();
      if (next === undefined || send === null) return;
      tell({ type: "delivery", id: next.id, delivery: "done" });
      try {
        sent();
        await send(next.text);
      } catch {
        tell({ type: "delivery", id: next.id, delivery: "failed" });
      }
    }
  }
}
