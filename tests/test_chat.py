"""What people type is bounded before the mind sees it."""

from types import SimpleNamespace
from typing import Any

import pytest

from agent.chat import BURST, MAX_LETTERS, MAX_WAITING, Chat, plain


class Session:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.said: list[str] = []
        self.ends: list[Any] = []

    def interrupt(self) -> Any:
        async def nothing() -> None: ...

        return _Done()

    def generate_reply(self, *, user_input: str) -> Any:
        self.asked.append(user_input)
        return SimpleNamespace(add_done_callback=self.ends.append)

    def say(self, text: str, *, add_to_chat_ctx: bool) -> None:
        assert not add_to_chat_ctx
        self.said.append(text)


class _Done:
    def __await__(self) -> Any:
        return iter(())


def event(text: str, sender: str = "me") -> Any:
    return SimpleNamespace(text=text, participant=SimpleNamespace(identity=sender))


def chat(*, must_wait: bool = False) -> Chat:
    return Chat(SimpleNamespace(must_wait=must_wait))  # type: ignore[arg-type]  # all it asks of it


async def send(to: Chat, session: Session, *texts: str) -> None:
    for text in texts:
        await to.on_text(session, event(text))  # type: ignore[arg-type]  # a session's three methods


async def test_a_message_is_answered_and_nothing_at_all_is_not() -> None:
    session = Session()
    await send(chat(), session, "hello\x00 there\u202e", " \n ", "\x07")
    assert session.asked == ["hello there"] and session.said == []


async def test_a_book_is_refused_by_a_sentence() -> None:
    session = Session()
    await send(chat(), session, "x" * (MAX_LETTERS + 1), "x" * MAX_LETTERS)
    assert [len(text) for text in session.asked] == [MAX_LETTERS]
    assert session.said == [
        "That is more than I can read at once. Please send it in shorter parts."
    ]


async def test_a_flood_is_refused_once_and_others_are_not_hurt() -> None:
    session, flooded = Session(), chat()
    await send(flooded, session, *["again"] * (BURST + 20))
    await flooded.on_text(session, event("me too", "another"))  # type: ignore[arg-type]
    assert session.asked == ["again"] * BURST + ["me too"]
    assert session.said == ["You are faster than I am. Give me a moment, please."]


async def test_only_a_few_wait_where_nobody_may_interrupt() -> None:
    session, waiting = Session(), chat(must_wait=True)
    await send(waiting, session, *["a question"] * BURST)
    assert len(session.asked) == MAX_WAITING and session.said == []
    session.ends[0](None)
    await waiting.on_text(session, event("now", "another"))  # type: ignore[arg-type]
    assert session.asked[-1] == "now"


@pytest.mark.parametrize("text", ["سلام می\u200cخواهم", "👩\u200d🏫", "a\nb\tc"])
def test_joiners_and_line_ends_stay(text: str) -> None:
    assert plain(text) == text
