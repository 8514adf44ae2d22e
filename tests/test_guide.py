"""The offline language model: what it says, from what it remembers, and how it streams it."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, RunContext, function_tool, llm
from livekit.agents.voice.run_result import RunResult

from agent import personas, spoken
from agent.guide import Guide, phrases
from agent.moods import parse

NOON_ISH = datetime(2026, 11, 20, 14, 5)


def guide(seed: int = 1) -> Guide:
    return Guide(personas.load("imani"), seed=seed, now=lambda: NOON_ISH)


def lines(topic: str, part: str = "say") -> list[str]:
    found = personas.load("imani").script.get(topic)
    assert found is not None
    return [parse(line.text)[0] for line in getattr(found, part)]


class Call:
    """A text call: what is said is kept as LiveKit keeps it."""

    def __init__(self, *, seed: int = 1, tools: Sequence[llm.Tool] = ()) -> None:
        self.guide = guide(seed)
        self.context = llm.ChatContext.empty()
        self.tools = list(tools)

    async def ask(self, text: str, *, heard_words: int | None = None) -> str:
        """Say something; the answer, of which the person hears all or the first words."""
        self.context.add_message(role="user", content=text)
        response = await self.answer()
        said = parse(response.text)[0]
        heard = said if heard_words is None else " ".join(said.split()[:heard_words])
        self.context.add_message(
            role="assistant", content=heard, interrupted=heard_words is not None
        )
        return said

    async def answer(self) -> llm.CollectedResponse:
        return await self.guide.chat(chat_ctx=self.context, tools=self.tools).collect()


async def test_it_streams_word_by_word_with_usage_at_the_end() -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="who are you")
    async with guide().chat(chat_ctx=context) as stream:
        chunks = [chunk async for chunk in stream]
    texts = [chunk.delta.content for chunk in chunks if chunk.delta and chunk.delta.content]
    assert len(texts) > 10 and all(len(text.split()) == 1 for text in texts)
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    usage = chunks[-1].usage
    assert usage is not None and usage.completion_tokens == len(texts)
    assert usage.total_tokens == usage.completion_tokens + usage.prompt_tokens


async def test_a_stream_can_be_closed_in_the_middle() -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="tell me a story")
    async with guide().chat(chat_ctx=context) as stream:
        first = await anext(stream)
    assert first.delta is not None and first.delta.content


async def test_without_a_word_from_anyone_it_greets() -> None:
    response = await Call().answer()
    assert response.text == personas.load("imani").greeting


async def test_prompted_without_a_new_question_it_nudges() -> None:
    call = Call()
    await call.ask("hello")
    assert (await call.answer()).text in lines("nudge")


async def test_the_same_seed_says_the_same_words() -> None:
    asked = ["hello", "tell me a joke", "who made you", "another joke"]
    assert [await Call(seed=7).ask(a) for a in asked] == [await Call(seed=7).ask(a) for a in asked]


async def test_nothing_is_said_twice_before_everything_was_said() -> None:
    call = Call()
    jokes = [await call.ask("another joke") for _ in range(2 * len(lines("joke")))]
    half = len(jokes) // 2
    assert len(set(jokes[:half])) == half
    assert all(one != other for one, other in pairwise(jokes))


async def test_two_calls_on_one_guide_do_not_mix() -> None:
    shared, one, other = guide(), Call(), Call()
    one.guide = other.guide = shared
    await one.ask("what is livekit")
    await other.ask("tell me a joke")
    assert await one.ask("tell me more") in lines("livekit", "more")


async def test_more_and_why_follow_the_last_topic() -> None:
    call = Call()
    await call.ask("how does this work")
    assert await call.ask("tell me more") == lines("how", "more")[0]
    assert await call.ask("what else") == lines("how", "more")[1]
    assert await call.ask("why is that") == lines("how", "why")[0]
    assert await call.ask("tell me more") == lines("how", "more")[2]
    assert await call.ask("tell me more") in lines("more", "otherwise")


async def test_yes_takes_the_offer_and_no_leaves_it() -> None:
    call = Call()
    call.context.add_message(role="assistant", content=personas.load("imani").greeting)
    assert await call.ask("yes please") in lines("visavis")
    call = Call()
    call.context.add_message(role="assistant", content=personas.load("imani").greeting)
    assert await call.ask("no thanks") in lines("no", "otherwise")


async def test_yes_without_an_offer_asks_what_for() -> None:
    call = Call()
    await call.ask("what time is it")
    assert await call.ask("yes") in lines("yes")


async def test_an_offer_that_was_cut_off_is_not_taken() -> None:
    call = Call()
    call.context.add_message(role="assistant", content="Hi, I'm Imani.", interrupted=True)
    assert await call.ask("yes") in lines("yes")


async def test_a_near_miss_is_asked_back_and_yes_confirms_it() -> None:
    call = Call()
    back = await call.ask("which people built you")
    asked = [re.sub(r"\{about\}.*", "", line) for line in lines("suggest")]
    assert any(back.startswith(head) for head in asked), back
    topic = next(t for t in personas.load("imani").script.topic if t.about and t.about in back)
    assert await call.ask("yes") in lines(topic.id)


@pytest.mark.parametrize("heard", [3, 25, 61, 140, 250, 340])
async def test_go_on_continues_the_story_where_it_was_cut(heard: int) -> None:
    call = Call()
    story = (await call.ask("tell me a story", heard_words=heard)).split()
    await call.ask("what time is it")
    rest = (await call.ask("go on")).split()
    tail = next(n for n in range(len(rest)) if story[-len(rest[n:]) :] == rest[n:])
    start = len(story) - len(rest[tail:])
    assert start <= heard, "words that were never heard were left out"
    assert heard - start <= 12, "more than a sentence was told again"
    assert tail <= 6, "the lead-in is short"


async def test_a_story_may_be_cut_again_and_again() -> None:
    call = Call()
    story = (await call.ask("tell me a story", heard_words=20)).split()
    for _ in range(30):
        rest = (await call.ask("go on", heard_words=30)).split()
        if rest[-3:] != story[-3:]:
            break
    assert rest[-3:] != story[-3:], "it never came to its end"
    assert " ".join(rest) in lines("story", "more")


async def test_a_word_in_between_does_not_end_the_story() -> None:
    call = Call()
    await call.ask("tell me a story", heard_words=40)
    for word in ("wait", "hm", "thank you", "sorry"):
        await call.ask(word)
    assert "The sea never answered." in await call.ask("go on")


async def test_go_on_after_a_finished_answer_tells_more() -> None:
    call = Call()
    await call.ask("what is livekit")
    assert await call.ask("go on") in lines("livekit", "more")


async def test_counting_goes_on_where_it_was_cut() -> None:
    call = Call()
    await call.ask("count to twenty", heard_words=8)
    assert "twelve, thirteen, fourteen" in await call.ask("go on")


async def test_repeat_says_the_whole_of_the_last_answer() -> None:
    call = Call()
    said = await call.ask("what is visavis", heard_words=4)
    assert said in await call.ask("can you repeat that")
    again = await call.ask("say that again")
    assert said in again
    assert len(again.split()) - len(said.split()) <= 4, "lead-ins do not pile up"


async def test_repeat_works_on_words_of_a_real_model_too() -> None:
    call = Call()
    call.context.add_message(role="user", content="hm")
    call.context.add_message(role="assistant", content="Forty llamas, at least.")
    assert (await call.ask("repeat that")).endswith("Forty llamas, at least.")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("what time is it", "two oh five in the afternoon"),
        ("what day is it", "Friday, the twentieth of November"),
        ("count to four", "ne, two, three, four."),
        ("count down from three", "hree, two, one."),
        ("spell livekit", "L, I, V, E, K, I, T"),
        ("spell your name", "I, M, A, N, I"),
        ("what is seven times eight", "ifty-six"),
        ("What's 12 + 30?", "orty-two"),
    ],
)
async def test_it_works_things_out(asked: str, answer: str) -> None:
    assert answer in await Call().ask(asked)


@pytest.mark.parametrize(
    ("asked", "topic"),
    [
        ("what is five divided by zero", "arithmetic"),
        ("count to a thousand", "count"),
        ("spell my name", "spell"),
        ("what is my name", "recall"),
        ("slower please", "slower"),
        ("repeat that", "repeat"),
    ],
)
async def test_what_cannot_be_done_is_said(asked: str, topic: str) -> None:
    assert await Call().ask(asked) in lines(topic, "otherwise")


async def test_a_name_is_remembered_for_the_call() -> None:
    call = Call()
    assert "Aisha" in await call.ask("my name is aisha")
    await call.ask("tell me a joke")
    assert "Aisha" in await call.ask("do you know my name")
    assert "A, I, S, H, A" in await call.ask("spell my name")


async def test_unclear_speech_is_asked_for_again_in_other_words() -> None:
    call = Call()
    answers = [await call.ask("[unclear]") for _ in range(4)]
    assert answers == lines("unclear")[:4]


async def test_beyond_the_script_it_says_so_and_does_not_nag() -> None:
    call = Call()
    answers = [await call.ask(q) for q in ("who painted the mona lisa", "how do airplanes fly")]
    assert answers == lines("beyond")[:2]
    assert "OpenAI" in answers[0] and "OpenAI" not in answers[1]


async def test_a_mood_can_be_asked_for() -> None:
    call = Call()
    call.context.add_message(role="user", content="show me surprised")
    assert (await call.answer()).text.startswith("[mood:surprised]")


class Watch(Agent):
    """An agent with the tools the guide knows."""

    def __init__(self, *, time: str = "09:30", broken: bool = False) -> None:
        super().__init__(instructions="")
        self.rates: list[float] = []
        self._time, self._broken = time, broken

    @function_tool
    async def get_time(self, context: RunContext[None]) -> str:
        """The time."""
        if self._broken:
            raise llm.ToolError("no clock")
        return self._time

    @function_tool
    async def set_speaking_rate(self, context: RunContext[None], rate: float) -> str:
        """How fast to speak; 1.0 is usual."""
        self.rates.append(rate)
        return "ok"


async def spoken_in(session: AgentSession[Any], asked: str) -> str:
    await session.run(user_input=asked)
    said = [m for m in session.history.messages() if m.role == "assistant"]
    return said[-1].text_content or ""


async def test_a_tool_is_called_and_its_result_is_spoken_in_a_real_session() -> None:
    async with AgentSession(llm=guide()) as session:
        await session.start(Watch())
        result: RunResult[None] = await session.run(user_input="what time is it?")
        result.expect.next_event().is_function_call(name="get_time")
        result.expect.next_event().is_function_call_output(output="09:30")
        result.expect.next_event().is_message(role="assistant")
        result.expect.no_more_events()
        assert "half past nine in the morning" in await spoken_in(session, "what is the time")


@pytest.mark.parametrize(
    ("given", "said"), [("2026-11-20T21:15:00", "quarter past nine"), ("tea time", "tea time")]
)
async def test_whatever_the_clock_returns_is_spoken(given: str, said: str) -> None:
    async with AgentSession(llm=guide()) as session:
        await session.start(Watch(time=given))
        assert said in await spoken_in(session, "what time is it")


async def test_a_tool_that_fails_is_done_without() -> None:
    async with AgentSession(llm=guide()) as session:
        await session.start(Watch(broken=True))
        assert "two oh five" in await spoken_in(session, "what time is it")


async def test_slower_and_faster_move_the_rate_step_by_step() -> None:
    agent = Watch()
    async with AgentSession(llm=guide()) as session:
        await session.start(agent)
        for asked in ("slower please", "even slower please", "faster please", "normal speed"):
            await session.run(user_input=asked)
    assert agent.rates == [0.83, 0.69, 0.83, 1.0]


async def test_say_that_again_slowly_does_both() -> None:
    agent = Watch()
    async with AgentSession(llm=guide()) as session:
        await session.start(agent)
        first = await spoken_in(session, "what is livekit")
        assert (await spoken_in(session, "say that again slowly")).endswith(parse(first)[0])
    assert agent.rates == [0.83]


async def test_forbidden_tools_are_not_called() -> None:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="what time is it")
    tools = llm.ToolContext(Watch().tools).flatten()
    response = await guide().chat(chat_ctx=context, tools=tools, tool_choice="none").collect()
    assert not response.tool_calls and "two oh five" in response.text
    response = await guide().chat(chat_ctx=context, tools=tools).collect()
    assert [(c.name, json.loads(c.arguments)) for c in response.tool_calls] == [("get_time", {})]


async def test_a_call_that_goes_on_in_a_new_session_is_continued() -> None:
    call = Call()
    story = await call.ask("tell me a story", heard_words=40)
    async with AgentSession(llm=guide(seed=2)) as session:
        await session.start(Agent(instructions="", chat_ctx=call.context))
        rest = await spoken_in(session, "go on")
    assert parse(rest)[0].endswith(story[-200:]) and "Edda" in rest


def test_phrases_are_plain_words_for_a_recogniser() -> None:
    said = phrases(personas.load("imani"))
    assert 150 <= len(said) <= 330 and len(set(said)) == len(said)
    assert all(re.fullmatch(r"[a-z']+( [a-z']+)*", phrase) for phrase in said)
    assert {"tell me a story", "go on", "what is seven times eight", "what is today's date"} <= set(
        said
    )


def test_the_story_is_long_enough_to_be_interrupted() -> None:
    words = spoken.words(lines("story")[0])
    assert len(words) / 165 * 60 >= 45, "seconds at the voice's 165 words a minute"
