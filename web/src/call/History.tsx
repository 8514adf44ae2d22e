/** The messages of the call, newest at the bottom and in view. */
import { visible, type Conversation } from "./conversation";
import { MessageItem } from "./MessageItem";
import { words } from "../words";

interface Props {
  readonly talk: Conversation;
  readonly name: string;
  readonly onRetry: (id: string) => void;
}

export function History({ talk, name, onRetry }: Props) {
  const messages = visible(talk);
  return (
    <div className="log" role="log" aria-label={words().chat.conversation} tabIndex={0}>
      {messages.length === 0 ? (
        <p className="empty muted small">{words().chat.empty}</p>
      ) : (
        <ul>
          {messages.map((message) => <MessageItem key={message.id} message={message} name={name} onRetry={onRetry} />)}
        </ul>
      )}
    </div>
  );
}
