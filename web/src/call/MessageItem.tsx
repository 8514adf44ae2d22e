/** One message of the history. Text is shown as text: nothing in it is read as markup. */
import { Icon } from "../parts/Icon";
import type { Message } from "./conversation";
import { clock } from "./time";

interface Props {
  readonly message: Message;
  readonly name: string;
  readonly onRetry?: (id: string) => void;
}

export function MessageItem({ message, name, onRetry }: Props) {
  const mine = message.from === "you";
  const waits = message.delivery !== "done";
  return (
    <li className={`msg${mine ? " me" : ""}${waits ? " wait" : ""}`}>
      <p className="meta">
        <b>{mine ? "You" : name}</b>
        <span>{clock(message.at)}</span>
        <Icon name={message.how === "spoken" ? "mic" : "keyboard"} />
        <span className="vh">{message.how}</span>
      </p>
      <div className="bub">
        <p>
          {message.text.trim()}
          {message.cut !== "" && <> <s className="cut">{message.cut.trim()}</s></>}
        </p>
      </div>
      {message.delivery === "waiting" && <p className="xs muted fate">Goes out when {name} is there</p>}
      {message.delivery === "failed" && (
        <p className="xs fate bad">
          Not sent.{" "}
          <button className="mini" type="button" onClick={() => { onRetry?.(message.id); }}>Try again</button>
        </p>
      )}
    </li>
  );
}
