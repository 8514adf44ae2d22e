/** The box to write in. Enter sends, Shift Enter makes a line. */
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { Icon } from "../parts/Icon";
import { words } from "../words";

const LONGEST = 2000;

export function Compose({ name, onSend }: { name: string; onSend: (text: string) => void }) {
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
      <label className="vh" htmlFor="write">{words().chat.writeTo(name)}</label>
      <textarea
        id="write"
        ref={field}
        rows={1}
        maxLength={LONGEST}
        placeholder={words().chat.writeTo(name)}
        value={text}
        onChange={(event) => { setText(event.target.value); }}
        onKeyDown={onKey}
      />
      <button className="ib" type="submit" aria-label={words().chat.send} disabled={text.trim() === ""}>
        <Icon name="send" />
      </button>
    </form>
  );
}
