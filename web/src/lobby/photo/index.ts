/** The photo's chunk: what nobody needs who talks to a face that is there. */
import "../../styles/photo.css";

export { PhotoPage } from "./PhotoPage";
