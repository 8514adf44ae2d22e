/** The call's chunk: everything that needs LiveKit. */
import "../styles/call.css";
import "../styles/chat.css";

export { CallScreen } from "./CallScreen";
export { CallSession } from "./session";
