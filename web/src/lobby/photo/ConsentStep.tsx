/** The second step: the picked photo, a name for the face, and the tick without which nothing is sent. */
import type { SubmitEvent } from "react";
import { Icon } from "../../parts/Icon";
import { photoSentence } from "../../problems";
import { PickButton } from "./PickButton";
import { ProblemNote } from "./ProblemNote";
import type { PhotoState } from "./state";
import type { PhotoWay } from "./usePhoto";
import { fromServer, words } from "../../words";

interface Props {
  readonly state: PhotoState & { phase: "consent" };
  readonly way: PhotoWay;
  /** The server's sentence: what is ticked is what the face keeps. */
  readonly consent: string;
}

export function ConsentStep({ state, way, consent }: Props) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    way.send();
  };
  return (
    <div className="cols pic-left">
      <figure className="shown">
        <img src={state.photo.url} alt={words().photo.chosen} />
      </figure>
      <form className="card consent" onSubmit={submit}>
        <div className="field">
          <label htmlFor="face-name">{words().photo.name} <span className="muted">{words().photo.nameMore}</span></label>
          <input
            id="face-name"
            className="inp"
            value={state.name}
            maxLength={40}
            autoComplete="off"
            placeholder={words().photo.namePlaceholder}
            onChange={(event) => { way.tell({ type: "named", name: event.currentTarget.value }); }}
          />
        </div>
        <label className="tick">
          <input
            type="checkbox"
            checked={state.ticked}
            aria-describedby="consent-means"
            onChange={(event) => { way.tell({ type: "ticked", ticked: event.currentTarget.checked }); }}
          />
          <Icon name="check" small />
          <span>
            <b>{fromServer({ detail: consent })}</b>
            <span className="small muted" id="consent-means">
              {words().photo.consentMeans}
            </span>
          </span>
        </label>
        {state.problem !== null ? <ProblemNote sentence={photoSentence(state.problem)} /> : (
          <p className="note">
            <Icon name="lock" small />
            <span>
              {words().photo.keeps}
            </span>
          </p>
        )}
        <div className="acts end">
          <p className="small muted grow" id="tick-first">
            {state.ticked ? words().photo.takesSeconds : words().photo.tickFirst}
          </p>
          <PickButton icon="again" label={words().photo.other} onPick={way.pick} />
          <button className="btn pri" type="submit" disabled={!state.ticked} aria-describedby="tick-first">
            {words().photo.make}
          </button>
        </div>
      </form>
    </div>
  );
}
