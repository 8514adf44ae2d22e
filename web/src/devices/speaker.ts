/** A short tone on the chosen speaker, so that one knows where the voice will come from. */
const TONE_S = 0.6;

/** Resolves when the tone has been played; rejects when the speaker is gone. */
export async function playTone(speaker: string): Promise<void> {
  const context = new AudioContext();
  try {
    const destination = context.createMediaStreamDestination();
    const element = new Audio();
    element.srcObject = destination.stream;
    if (speaker !== "" && "setSinkId" in element) await element.setSinkId(speaker);
    const gain = new GainNode(context, { gain: 0 });
    const tone = new OscillatorNode(context, { frequency: 523.25 });
    tone.connect(gain).connect(destination);
    gain.gain.linearRampToValueAtTime(0.2, context.currentTime + 0.03);
    gain.gain.linearRampToValueAtTime(0, context.currentTime + TONE_S);
    await element.play();
    tone.start();
    tone.stop(context.currentTime + TONE_S);
    await new Promise((resolve) => { tone.onended = resolve; });
    element.pause();
  } finally {
    await context.close();
  }
}
