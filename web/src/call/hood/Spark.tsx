/** The last two minutes of a figure as a line; a gap where nothing was measured. */

interface Props {
  readonly values: readonly (number | null)[];
  readonly low: number;
  readonly high: number;
  /** Drawn behind the line: where the figure should be. */
  readonly band?: readonly [number, number];
  /** The line in one sentence. */
  readonly label: string;
}

const WIDTH = 160;
const HEIGHT = 50;
const SECONDS = 120;

export function Spark({ values, low, high, band, label }: Props) {
  const y = (value: number) => HEIGHT - ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * HEIGHT;
  const path = values
    .map((value, index) => {
      const move = (values[index - 1] ?? null) === null ? "M" : "L";
      const x = ((SECONDS - values.length + index) / (SECONDS - 1)) * WIDTH;
      return value === null ? "" : `${move}${x.toFixed(1)} ${y(value).toFixed(1)}`;
    })
    .join("");
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {band !== undefined && <rect className="bd" y={y(band[1])} width={WIDTH} height={y(band[0]) - y(band[1])} />}
      <path className="zero" d={`M0 ${y(band === undefined ? 25 : 0)}H${WIDTH}`} />
      <path className="ln" d={path} />
    </svg>
  );
}
