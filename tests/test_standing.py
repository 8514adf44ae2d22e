"""What a call has become is what its next worker is asked for."""

import json

import pytest

from agent.choice import choose_persona
from agent.standing import now

SHOWN = {"visavis.persona": "jun", "visavis.portrait": "anselm"}


@pytest.mark.parametrize("asked", ["", "{", "[]", '{"persona": "imani"}'])
def test_the_persona_that_took_over_is_asked_for(asked: str) -> None:
    metadata = now(asked, SHOWN)
    assert json.loads(metadata) == {"persona": "jun", "portrait": "anselm"}
    assert choose_persona([metadata], otherwise="imani").id == "jun"


def test_what_else_the_dispatch_says_is_kept() -> None:
    asked = '{"persona": "imani", "tap": {"port": 1}}'
    assert json.loads(now(asked, SHOWN))["tap"] == {"port": 1}


def test_other_participants_change_nothing() -> None:
    assert now('{"persona": "imani"}', {"name": "a guest"}) == '{"persona": "imani"}'
