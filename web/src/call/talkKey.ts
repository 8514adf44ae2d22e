/**
 * Holding a key to talk. With most personas it unmutes while it is held; with a push-to-talk persona it
 * also tells the agent when to listen, because that one hears nothing else.
 */
import { METHOD_TALK } from "../protocol";
import type { CallState } from "./state";

interface Parts {
  readonly microphone: { setOn(on: boolean): Promise<void> };
  readonly state: () => CallState;
  readonly tell: (held: boolean) => void;
  readonly ask: (method: string, payload: "start" | "stop" | "cancel") => Promise<void>;
}

export class TalkKey {
  constructor(private readonly parts: Parts) {}

  /** Returns false when there is nothing to hold: the microphone is on, or there is none. */
  press(): boolean {
    const { microphone, state, tell, ask } = this.parts;
    const { mic, held, pushToTalk } = state();
    if (held || mic !== "muted") return false;
    tell(true);
    if (pushToTalk) void ask(METHOD_TALK, "start");
    void microphone.setOn(true);
    return true;
  }

  /** Let go: what was said is answered. */
  release(): void {
    this.end("stop");
  }

  /** Let go, and take back what was said. */
  cancel(): void {
    this.end("cancel");
  }

  private end(how: "stop" | "cancel"): void {
    const { microphone, state, tell, ask } = this.parts;
    if (!state().held) return;
    tell(false);
    if (state().pushToTalk) void ask(METHOD_TALK, how);
    void microphone.setOn(false);
  }
}
