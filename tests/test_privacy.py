"""What people say stays out of the log, and that they talk to an AI stays on the screen."""

import asyncio
import logging
from typing import Any

import pytest

from agent.config import ConfigError, Settings
from agent.privacy import WithoutText, keep_text_out
from agent.sign import AI, DISCLOSURE, Sign


def test_personal_text_leaves_every_record() -> None:
    handler = logging.Handler()
    seen: list[logging.LogRecord] = []
    handler.emit = seen.append  # type: ignore[method-assign]  # what a handler would write
    logging.getLogger().addHandler(handler)
    try:
        keep_text_out()
        keep_text_out()
        assert sum(isinstance(each, WithoutText) for each in handler.filters) == 1
        logging.getLogger("livekit.agents").warning(
            "skipped", extra={"lk.pii.user_input": "my secret", "turn": 3}
        )
    finally:
        logging.getLogger().removeHandler(handler)
    assert "my secret" not in str(vars(seen[-1])) and vars(seen[-1])["turn"] == 3


def test_text_is_logged_only_when_it_is_asked_for() -> None:
    assert not Settings.from_environment({}).log_text
    assert Settings.from_environment({"VISAVIS_LOG_TEXT": "on"}).log_text


@pytest.mark.parametrize("words", ["", " ", "......", "AI"])
def test_the_disclosure_is_worded_not_hidden(words: str) -> None:
    with pytest.raises(ConfigError, match="VISAVIS_DISCLOSURE: "):
        Settings.from_environment({"VISAVIS_DISCLOSURE": words})
    given = {"VISAVIS_DISCLOSURE": "Sie sprechen mit einer KI"}
    assert Settings.from_environment(given).disclosure == "Sie sprechen mit einer KI"


class Local:
    """A local participant whose connection fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sent: list[dict[str, str]] = []
        self.news = asyncio.Event()

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        self.sent.append(attributes)
        self.news.set()


async def test_signs_are_sent_once_in_their_newest_state_and_again_when_they_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent.sign._RETRY_S", 0.01)
    local = Local(failures=2)

    class Room:
        local_participant: Any = local

    sign = Sign(Room())  # type: ignore[arg-type]  # only its participant is asked
    sign.show({DISCLOSURE: "a", AI: "false"})
    sign.show({DISCLOSURE: "b"})
    sign.start()
    async with asyncio.timeout(5):
        await local.news.wait()
        assert local.sent == [{AI: "true", DISCLOSURE: "b"}]
        local.news.clear()
        sign.show({DISCLOSURE: "b"})
        sign.show({"visavis.persona": "x" * 1000})
        await local.news.wait()
    assert local.sent[1] == {"visavis.persona": "x" * 500}
    await sign.aclose()
    await sign.aclose()
