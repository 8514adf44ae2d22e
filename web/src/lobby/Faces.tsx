/** Under the personas: one's own faces, and the way to a new one. Absent where photos are off. */
import type { Persona } from "../api";
import { Icon } from "../parts/Icon";
import { backdrop, Portrait } from "../parts/Portrait";
import { faceName, wearing, type FaceCard, type FaceList } from "../portraits";
import { words } from "../words";

interface Props {
  readonly faces: FaceList;
  readonly speaker: Persona;
  readonly chosen: FaceCard | null;
  readonly onChoose: (name: string) => void;
  /** null: make a new one. */
  readonly onOpen: (face: FaceCard | null) => void;
}

export function Faces({ faces, speaker, chosen, onChoose, onOpen }: Props) {
  const own = faces.portraits.filter((face) => face.own);
  return (
    <div className="faces">
      {own.map((face) => (
        <OwnFace
          key={face.name}
          face={face}
          speaker={speaker}
          selected={face === chosen}
          onChoose={() => { onChoose(face.name); }}
          onOpen={() => { onOpen(face); }}
        />
      ))}
      <button className="addface" type="button" onClick={() => { onOpen(null); }}>
        <span className="ring"><Icon name="picture" /></span>
        <span className="grow">
          <b>{words().lobby.usePhoto}</b>
          <span className="small muted more">{words().lobby.usePhotoMore}</span>
        </span>
        <Icon name="onward" small />
      </button>
    </div>
  );
}

interface OwnFaceProps {
  readonly face: FaceCard;
  readonly speaker: Persona;
  readonly selected: boolean;
  readonly onChoose: () => void;
  readonly onOpen: () => void;
}

function OwnFace({ face, speaker, selected, onChoose, onOpen }: OwnFaceProps) {
  const name = faceName(face.name);
  const shown = wearing(speaker, face);
  return (
    <div className={selected ? "ownface sel" : "ownface"} style={backdrop(shown)}>
      <label>
        <input
          className="vh"
          type="radio"
          name="persona"
          value={`face ${face.name}`}
          checked={selected}
          onChange={onChoose}
        />
        <span className="thumb"><Portrait persona={shown} alt="" /></span>
        <span className="grow">
          <b>{name}</b>
          <span className="small muted">{words().lobby.ownFace(speaker.name)}</span>
        </span>
      </label>
      {selected && <span className="pick"><Icon name="check" small /></span>}
      <button className="ib sm" type="button" aria-label={words().lobby.lookAt(name)} title={words().lobby.lookAtShort} onClick={onOpen}>
        <Icon name="dots" />
      </button>
    </div>
  );
}
