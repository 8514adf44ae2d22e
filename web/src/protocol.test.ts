import { expect, test } from "vitest";
import { agentState } from "./protocol";

test("the agent’s state is read from its attribute", () => {
  expect(agentState({ "lk.agent.state": "thinking" })).toBe("thinking");
});

test("an agent that says nothing, or something new, is getting ready", () => {
  expect(agentState({})).toBe("initializing");
  expect(agentState({ "lk.agent.state": "dancing" })).toBe("initializing");
});
