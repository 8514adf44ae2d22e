"""Persona and portrait as the metadata of a call names them."""

import json
from pathlib import Path

import pytest

from agent import personas
from agent.choice import choose_persona, choose_portrait
from avatar.portrait import pack


def test_the_dispatch_goes_before_the_room_and_both_before_the_settings() -> None:
    job, room = json.dumps({"persona": "jun"}), json.dumps({"persona": "anselm"})
    assert choose_persona([job, room], otherwise="imani").id == "jun"
    assert choose_persona(["", room], otherwise="imani").id == "anselm"
    assert choose_persona(["", ""], otherwise="imani").id == "imani"


@pytest.mark.parametrize("metadata", ["{", "[]", "3", '{"persona": 3}', '{"persona": "nobody"}'])
def test_metadata_that_names_nobody_leaves_the_settings_persona(metadata: str) -> None:
    assert choose_persona([metadata], otherwise="imani").id == "imani"


def test_a_call_wears_the_portrait_that_it_names() -> None:
    worn = choose_portrait([json.dumps({"persona": "imani", "portrait": "jun"})], otherwise="imani")
    assert worn == "jun"


@pytest.mark.parametrize("name", ["nobody", "../imani", "/etc", "", "."])
def test_a_portrait_that_is_not_there_is_passed_over(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert choose_portrait([json.dumps({"portrait": name})], otherwise="imani") == "imani"
    assert "portrait not worn" in caplog.text


def test_a_pack_folder_is_never_named_by_its_path() -> None:
    path = str(pack.load("jun").path)
    assert choose_portrait([json.dumps({"portrait": path})], otherwise="imani") == "imani"


def test_an_own_portrait_that_is_broken_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_PORTRAITS", str(tmp_path))
    (tmp_path / "me").mkdir()
    (tmp_path / "me" / "pack.json").write_text("{}")
    assert choose_portrait([json.dumps({"portrait": "me"})], otherwise="jun") == "jun"


def test_every_shipped_persona_wears_a_portrait_that_is_there() -> None:
    worn = {personas.load(name).portrait for name in personas.names()}
    assert worn <= set(pack.shipped_names())
