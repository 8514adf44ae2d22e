/** Draws the ring and the strip. One arc per run of equal slots, so that a frame is far below a millisecond. */
import { SLOTS, type Ring } from "../ring";

const COLOURS = ["--slot-empty", "--slot-ready", "--slot-wait", "--slot-play"] as const;
const TURN = Math.PI * 2;
const SIDE = 25;

export function drawRing(canvas: HTMLCanvasElement, ring: Ring): void {
  const ink = prepare(canvas);
  if (ink === null) return;
  const size = canvas.width;
  const middle = size / 2;
  const radius = size * 0.42;
  const colour = colours(canvas);
  const angle = (slot: number) => (slot / SLOTS) * TURN - Math.PI / 2;
  ink.lineWidth = size * 0.095;
  ink.lineCap = "butt";
  for (let start = 0; start < SLOTS; ) {
    const state = ring.slots[start] ?? 0;
    let end = start + 1;
    while (end < SLOTS && ring.slots[end] === state) end += 1;
    ink.strokeStyle = colour(COLOURS[state as 0 | 1 | 2 | 3]);
    ink.beginPath();
    ink.arc(middle, middle, radius, angle(start), angle(end));
    ink.stroke();
    start = end;
  }
  const hand = angle((Math.max(0, ring.now) % SLOTS) + 1);
  const at = (distance: number) => [middle + Math.cos(hand) * distance, middle + Math.sin(hand) * distance] as const;
  ink.strokeStyle = colour("--ink");
  ink.lineWidth = size * 0.016;
  ink.lineCap = "round";
  ink.beginPath();
  ink.moveTo(...at(radius * 0.82));
  ink.lineTo(...at(radius * 1.17));
  ink.stroke();
}

export function drawStrip(canvas: HTMLCanvasElement, ring: Ring): void {
  const ink = prepare(canvas);
  if (ink === null) return;
  const colour = colours(canvas);
  const slots = ring.strip(SIDE, SIDE);
  const wide = canvas.width / slots.length;
  slots.forEach((state, index) => {
    ink.fillStyle = colour(COLOURS[state as 0 | 1 | 2 | 3]);
    ink.fillRect(index * wide, 0, wide * 0.82, canvas.height);
  });
  ink.fillStyle = colour("--ink");
  ink.fillRect(canvas.width / 2 - wide * 0.13, 0, wide * 0.12, canvas.height);
}

/** An empty canvas with one pixel per pixel of the screen. */
function prepare(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  const { width, height } = canvas.getBoundingClientRect();
  const [across, down] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  const ink = canvas.getContext("2d");
  ink?.clearRect(0, 0, across, down);
  return ink;
}

/** The tokens are light-dark() pairs, which a canvas does not know: CSS resolves them on the element. */
function colours(canvas: HTMLCanvasElement): (token: string) => string {
  const style = getComputedStyle(canvas);
  return (token) => {
    const pair = style.getPropertyValue(token);
    const [, light = pair, dark = pair] = /light-dark\(([^,]+),([^)]+)\)/.exec(pair) ?? [];
    return matchMedia("(prefers-color-scheme: dark)").matches ? dark.trim() : light.trim();
  };
}
