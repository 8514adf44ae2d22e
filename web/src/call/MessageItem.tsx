/** One message of the history. The persona's complete messages may be markdown; the person's own never are. */
import { Icon } from "../parts/Icon";
import type { Message } from "./conversation";
import { CopyWords } from "./CopyButton";
import { MessageText } from "./MessageText";
import { clock } from "./time";
import { words } from "../words";

interface Props {
  readonly message: Message;
  readonly name: string;
  readonly onRetry?: (id: string) => void;
}

export function MessageItem({ message, name, onRetry }: Props) {
  const mine = message.from === "you";
  const waits = message.delivery !== "done";
  const text = message.text.trim();
  const cut = message.cut.trim();
  return (
    <li className={`msg${mine ? " me" : ""}${waits ? " wait" : ""}`}>
      <p className="meta">
        <b>{mine ? words().you : name}</b>
        <span>{clock(message.at)}</span>
        <Icon name={message.how === "spoken" ? "mic" : "keyboard"} />
        <span className="vh">{words().chat[message.how]}</span>
        {!mine && !message.open && text !== "" && <CopyWords text={text} />}
      </p>
      <div className="bub">
        {cut === "" ? <MessageText text={text} complete={!mine && !message.open} /> : <p>{text} <s className="cut">{cut}</s></p>}
      </div>
      {message.delivery === "waiting" && <p className="xs muted fate">{words().chat.waits(name)}</p>}
      {message.delivery === "failed" && (
        <p className="xs fate bad">
          {words().chat.notSent}{" "}
          <button className="mini" type="button" onClick={() => { onRetry?.(message.id); }}>{words().tryAgain}</button>
        </p>
      )}
    </li>
  );
}
