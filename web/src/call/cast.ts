/** Who can speak, and with which face: the gateway's lists put together, for a change inside the call. */
import { fetchPersonas, type Persona } from "../api";
import { fetchFaces, wearing, type FaceCard } from "../portraits";

export interface Cast {
  readonly personas: readonly Persona[];
  /** One's own; none where photos are off. */
  readonly faces: readonly FaceCard[];
}

export async function fetchCast(): Promise<Cast> {
  const [list, known] = await Promise.all([fetchPersonas(), fetchFaces().catch(() => null)]);
  return { personas: list.personas, faces: known?.portraits.filter(({ own }) => own) ?? [] };
}

/** The persona as the agent says it is; null: nobody here has that name. */
export function find({ personas, faces }: Cast, id: string, portrait: string): Persona | null {
  const persona = personas.find((one) => one.id === id);
  if (persona === undefined) return null;
  return wearing(persona, faces.find(({ name }) => name === portrait) ?? null);
}

/** Whether the agent is who the page shows. A portrait that is not one's own counts as the persona's. */
export function isSame(shown: Persona, id: string, portrait: string): boolean {
  return shown.id === id && (shown.portrait === undefined || shown.portrait === portrait);
}
