"""When a turn is over: what was said counts as well as how it sounded.

LiveKit's end-of-turn model judges the sound alone, and finds synthetic voices undecided. Where the
mind is a script, the words themselves can tell: a whole sentence that the script knows is over, a
beginning of one is not. Pure decisions, and one listener that applies them.
"""

from collections.abc import Callable, Collection
from typing import Any

from livekit.agents import AgentSession, ConversationItemAddedEvent, UserInputTranscribedEvent
from livekit.agents.inference import TurnDetector

from agent.matching import Matcher
from agent.spoken import words

SURE = 0.85
"""A match with the script from which on a sentence counts as understood."""
UNDECIDED = 0.36
"""The end-of-turn model's own threshold for English: below it the turn waits `max_delay`."""
DECIDED = 0.01


class WholeSentences:
    """Tells whether some words are a whole sentence that a script understands."""

    def __init__(self, matcher: Matcher, phrases: Collection[str]) -> None:
        self._matcher = matcher
        self._phrases = frozenset(phrases)
        self._beginnings = frozenset(
            " ".join(phrase.split()[:count])
            for phrase in phrases
            for count in range(1, len(phrase.split()))
        )

    def __call__(self, text: str) -> bool:
        said = " ".join(words(text))
        if said in self._phrases:
            return True
        if not said or said in self._beginnings:
            return False
        best = self._matcher.best(said)
        return best is not None and best.certain and best.score >= SURE


def follow_words(
    session: AgentSession[Any], detector: TurnDetector, is_whole: Callable[[str], bool | None]
) -> None:
    """Let the detector end a turn at once when its words are a whole sentence; None: who speaks
    has no script that could tell."""
    said: list[str] = []

    def on_words(event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            said.append(event.transcript)
            whole = is_whole(" ".join(said))
            if whole is None:
                return
            # update_options would do the same, with a warning at every turn
            detector._opts.thresholds.update_overrides(DECIDED if whole else UNDECIDED)

    def on_item(event: ConversationItemAddedEvent) -> None:
        if getattr(event.item, "role", None) == "user":
            said.clear()

    session.on("user_input_transcribed", on_words)
    session.on("conversation_item_added", on_item)
