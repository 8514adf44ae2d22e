import { describe, expect, test } from "vitest";
import { figures, read } from "./stats";

const report = (...entries: Record<string, unknown>[]) => new Map(entries.map((entry, index) => [`${index}`, entry]));
const sound = (more: object) => ({ type: "inbound-rtp", kind: "audio", ...more });
const picture = (more: object) => ({ type: "inbound-rtp", kind: "video", ...more });

describe("figures", () => {
  test("loss is the share of the packets of the last second only", () => {
    const before = read([report(sound({ packetsReceived: 1000, packetsLost: 500 }))], 0);
    const now = read([report(sound({ packetsReceived: 1095, packetsLost: 505 }))], 1000);
    expect(figures(before, now).loss).toBeCloseTo(0.05);
  });
  test("bits of both tracks add up", () => {
    const before = read([report(sound({ bytesReceived: 0 })), report(picture({ bytesReceived: 0 }))], 0);
    const now = read([report(sound({ bytesReceived: 5000 })), report(picture({ bytesReceived: 120_000 }))], 2000);
    expect(figures(before, now).kbitPerS).toBe(500);
  });
  test("pictures per second come from decoded frames", () => {
    const now = read([report(picture({ framesDecoded: 75, packetsReceived: 1, frameWidth: 512, frameHeight: 512 }))], 2000);
    const before = read([report(picture({ framesDecoded: 25, packetsReceived: 1 }))], 0);
    expect(figures(before, now)).toMatchObject({ fps: 25, size: "512 × 512" });
  });
  test("the offset does not depend on when the two reports were made", () => {
    const now = read(
      [
        report(sound({ estimatedPlayoutTimestamp: 50_000, timestamp: 1000 })),
        report(picture({ estimatedPlayoutTimestamp: 50_027, timestamp: 1007 })),
      ],
      0,
    );
    expect(figures(now, now).offsetMs).toBe(20);
  });
  test("the buffer is what was waited lately, not since the call began", () => {
    const before = read([report(sound({ packetsReceived: 1, jitterBufferDelay: 100, jitterBufferEmittedCount: 100 }))], 0);
    const now = read([report(sound({ packetsReceived: 2, jitterBufferDelay: 103, jitterBufferEmittedCount: 150 }))], 1000);
    expect(figures(before, now).audioBufferMs).toBeCloseTo(60);
  });
  test("a track that was replaced is no negative growth", () => {
    const before = read([report(sound({ packetsReceived: 900, bytesReceived: 9000 }))], 0);
    const now = read([report(sound({ packetsReceived: 5, bytesReceived: 50 }))], 1000);
    expect(figures(before, now)).toMatchObject({ kbitPerS: 0, loss: null });
  });
  test("what the browser does not say is null", () => {
    const empty = read([undefined], 0);
    expect(figures(empty, empty)).toMatchObject({ rttMs: null, loss: null, kbitPerS: null, fps: null, offsetMs: null, path: null });
    const first = read([report(sound({ bytesReceived: 9000 }))], 1000);
    expect(figures(empty, first).kbitPerS).toBeNull();
  });
  test.each([
    [{ protocol: "udp", candidateType: "host" }, "UDP"],
    [{ protocol: "tcp", candidateType: "host" }, "TCP"],
    [{ protocol: "udp", candidateType: "relay" }, "relay"],
  ])("the path of %o is %s", (candidate, path) => {
    const reading = read(
      [
        report(
          { type: "candidate-pair", state: "in-progress", localCandidateId: "x" },
          { type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.038, localCandidateId: "c" },
          { type: "local-candidate", id: "c", ...candidate },
        ),
      ],
      0,
    );
    expect(reading.path).toBe(path);
    expect(reading.rttMs).toBeCloseTo(38);
  });
});
