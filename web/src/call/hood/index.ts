/** The chunk of the panel under the hood. */
import "../../styles/hood.css";

export { Figures } from "./Figures";
