/** The chunk that reads markdown; fetched when the first message needs it. */
export { Markdown } from "./Markdown";
