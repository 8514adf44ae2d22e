/** The history of the call, spoken and typed, and the box to write in. */
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Icon } from "../parts/Icon";
import { asText, visible } from "./conversation";
import { MessageItem } from "./MessageItem";
import type { CallSession } from "./session";
import { clock } from "./time";
import { useCall } from "./useCall";

const LONGEST = 2000;

export function ChatPanel({ session, onClose }: { session: CallSession; onClose: () => void }) {
  const { talk } = useCall(session);
  const { name } = session.persona;
  const messages = visible(talk);
  return (
    <aside className="side" aria-labelledby="chat-title">
      <header>
        <h2 id="chat-title">Chat</h2>
        <CopyButton text={() => asText(talk, name, clock)} />
        <button className="ib sm" type="button" aria-label="Close chat" title="Close chat (Esc)" onClick={onClose}>
          <Icon name="cross" small />
        </button>
      </header>
      <div className="log" role="log" aria-label="Conversation" tabIndex={0}>
        {messages.length === 0 ? (
          <p className="empty muted small">What you both say and write appears here.</p>
        ) : (
          <ul>
            {messages.map((message) => (
              <MessageItem key={message.id} message={message} name={name} onRetry={(id) => { session.sendAgain(id); }} />
            ))}
          </ul>
        )}
      </div>
      <Compose name={name} onSend={(text) => { session.send(text); }} />
    </aside>
  );
}

function Compose({ name, onSend }: { name: string; onSend: (text: string) => void }) {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
  }, []);
  const send = () => {
    if (text.trim() === "") return;
    onSend(text);
    setText("");
    field.current?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    // Enter that ends a composition (Japanese, Chinese) belongs to the composition
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form className="compose" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <label className="vh" htmlFor="write">Write to {name}</label>
      <textarea
        id="write"
        ref={field}
        rows={1}
        maxLength={LONGEST}
        placeholder={`Write to ${name}`}
        value={text}
        onChange={(event) => { setText(event.target.value); }}
        onKeyDown={onKey}
      />
      <button className="ib" type="submit" aria-label="Send" disabled={text.trim() === ""}>
        <Icon name="send" />
      </button>
    </form>
  );
}

export function CopyButton({ text, label = "Copy the conversation" }: { text: () => string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard.writeText(text()).then(
      () => { setCopied(true); },
      () => { setCopied(false); },
    );
  };
  return (
    <button className="ib sm" type="button" aria-label={copied ? "Copied" : label} title={label} onClick={copy}>
      <Icon name={copied ? "check" : "copy"} small />
    </button>
  );
}
