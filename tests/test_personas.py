"""Personas load whole or not at all, and what is wrong is named by file, line and key."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent import personas, script, toml_lines
from agent.personas import PersonaError, PersonaNotFound
from avatar.frames import Mood


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of imani to break."""
    return Path(shutil.copytree(personas.SHIPPED / "imani", tmp_path / "mine"))


def broken(folder: Path, file: str, old: str, new: str) -> tuple[int, str]:
    """The line of an edit that breaks a file, and the message about it."""
    path = folder / file
    text = path.read_text()
    assert text.count(old) >= 1, old
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(PersonaError) as caught:
        personas.load(folder)
    return text[: text.index(old)].count("\n") + 1, str(caught.value)


@pytest.mark.parametrize("name", personas.names())
def test_every_shipped_persona_loads(name: str) -> None:
    persona = personas.load(name)
    assert persona.id == name and persona.prompt and persona.script.topic
    assert "AI" in persona.disclosure
    assert set(persona.moods) <= set(Mood)


@pytest.mark.parametrize("name", personas.names())
def test_every_prompt_names_the_moods_and_forbids_passing_for_human(name: str) -> None:
    persona = personas.load(name)
    assert all(f"[mood:{mood.value}]" in persona.prompt for mood in persona.moods)
    assert "never claim to be" in persona.prompt.lower()


def test_imani_is_the_host() -> None:
    imani = personas.load("imani")
    assert (imani.name, imani.role, imani.portrait) == ("Imani", "Host", "imani")
    assert imani.renderer == "cpu"


def test_an_unknown_persona_lists_the_known_ones() -> None:
    with pytest.raises(PersonaNotFound, match=r"no persona 'nobody': choose one of .*imani"):
        personas.load("nobody")


def test_a_name_never_reaches_the_file_system(folder: Path) -> None:
    for name in ("../imani", str(folder), "imani/", ""):
        with pytest.raises(PersonaNotFound):
            personas.load(name)


def test_a_folder_is_loaded_by_its_path(folder: Path) -> None:
    assert personas.load(folder).id == "mine"


def test_a_persona_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        personas.load("imani").name = "Eve"


def test_a_syntax_error_has_its_line(folder: Path) -> None:
    line, message = broken(folder, "persona.toml", 'role = "Host"', 'role = "Host')
    assert f"persona.toml:{line}: not valid TOML" in message


def test_a_file_that_ends_too_early_has_a_line(folder: Path) -> None:
    _, message = broken(folder, "persona.toml", "min_words = 0\n", "min_words = [0\n")
    assert "persona.toml:" in message and "not valid TOML" in message


def test_a_missing_key_is_named(folder: Path) -> None:
    _, message = broken(folder, "persona.toml", 'portrait = "imani"\n', "")
    assert "persona.toml:1: portrait: is missing: add it" in message


def test_a_misspelled_key_has_its_line(folder: Path) -> None:
    line, message = broken(folder, "persona.toml", "resume_after_s =", "resume_afterwards =")
    assert f"persona.toml:{line}: turns.resume_afterwards: is not a known key" in message


def test_a_value_out_of_range_has_its_line(folder: Path) -> None:
    line, message = broken(folder, "persona.toml", "rate = 165", "rate = 1650")
    assert f"persona.toml:{line}: voice.espeak.rate:" in message and "450" in message


def test_a_persona_may_be_drawn_by_what_a_network_hears(folder: Path) -> None:
    path = folder / "persona.toml"
    path.write_text('renderer = "liveportrait+ditto"\n' + path.read_text())
    assert personas.load(folder).renderer == "liveportrait+ditto"


def test_an_unknown_renderer_lists_the_known_ones(folder: Path) -> None:
    old = 'portrait = "imani"\n'
    _, message = broken(folder, "persona.toml", old, f'{old}renderer = "ditto"\n')
    assert (
        "no renderer 'ditto': choose one of cpu, liveportrait, musetalk, liveportrait+" in message
    )


def test_an_unknown_mood_lists_the_known_ones(folder: Path) -> None:
    line, message = broken(folder, "persona.toml", '"surprised"', '"amazed"')
    assert f"persona.toml:{line}: moods[4]:" in message and "'happy'" in message


def test_an_empty_prompt_is_refused(folder: Path) -> None:
    text = (folder / "persona.toml").read_text()
    start = text.index('prompt = """')
    old = text[start : text.index('"""', start + 12) + 3]
    line, message = broken(folder, "persona.toml", old, 'prompt = " "')
    assert f"persona.toml:{line}: prompt: is empty" in message


def test_a_greeting_that_offers_nothing_known_is_refused(folder: Path) -> None:
    line, message = broken(folder, "persona.toml", '_offer = "visavis"', '_offer = "vizavis"')
    assert f"persona.toml:{line}: greeting_offer: 'vizavis' is the id of no topic" in message


def test_an_offer_of_an_unknown_topic_has_its_line(folder: Path) -> None:
    line, message = broken(folder, "script.toml", 'offer = "sync"', 'offer = "sink"')
    assert f"script.toml:{line}: topic[2].say[1]: offers 'sink'" in message


def test_a_tag_of_an_unknown_mood_has_its_line(folder: Path) -> None:
    line, message = broken(folder, "script.toml", "[mood:sad] Ouch", "[mood:sulky] Ouch")
    assert f"script.toml:{line}:" in message
    assert "[mood:sulky] is no mood: write one of [mood:neutral]" in message


def test_markdown_in_a_line_is_refused(folder: Path) -> None:
    line, message = broken(folder, "script.toml", "In short, it's me.", "In *short*, it's me.")
    assert f"script.toml:{line}: topic[1].say[2].text: is spoken: leave out markdown" in message


def test_an_unknown_placeholder_has_its_line(folder: Path) -> None:
    line, message = broken(folder, "script.toml", "No harm done.", "No {harm}.")
    assert f"script.toml:{line}:" in message and "cannot fill {harm} here" in message


def test_a_stray_brace_is_explained(folder: Path) -> None:
    line, message = broken(folder, "script.toml", "No harm done.", "No harm { done.")
    assert f"script.toml:{line}:" in message and "brace" in message


def test_two_topics_of_one_id_are_refused(folder: Path) -> None:
    line, message = broken(folder, "script.toml", 'id = "sync"', 'id = "how"')
    assert f"script.toml:{line}: topic[3].id: a second topic 'how'" in message


def test_a_line_gives_the_call_only_to_those_who_are_named(folder: Path) -> None:
    broken(folder, "persona.toml", '["anselm", "jun"]', '["anselm"]')
    with pytest.raises(PersonaError, match=r"script.toml:\d+: .*say\[1\]: gives the call"):
        personas.load(folder)


def test_a_prompt_does_without_a_script_and_a_script_without_a_prompt(folder: Path) -> None:
    text = (folder / "persona.toml").read_text().replace('greeting_offer = "visavis"\n', "")
    start = text.index('prompt = """')
    prompt = text[start : text.index('"""', start + 12) + 4]
    (folder / "persona.toml").write_text(text.replace(prompt, ""))
    assert personas.load(folder).prompt is None
    (folder / "script.toml").unlink()
    with pytest.raises(PersonaError, match=r"persona.toml:1: prompt: is missing: add a prompt, or"):
        personas.load(folder)
    (folder / "persona.toml").write_text(text)
    script_of_it = personas.load(folder).script
    assert script_of_it.doing("repeat") is not None and script_of_it.get("visavis") is None


def test_one_file_is_a_persona(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (folder / "persona.toml").read_text().replace('greeting_offer = "visavis"\n', "")
    (folder.parent / "guide.toml").write_text(text)
    assert personas.load(folder.parent / "guide.toml").id == "guide"
    monkeypatch.setenv("VISAVIS_PERSONAS", str(folder.parent))
    assert {"guide", "mine", "imani", "jun"} <= set(personas.names())
    assert personas.load("guide").folder == folder.parent
    assert personas.load("imani").path == personas.SHIPPED / "imani"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('tools = ["time", "sums.py"]', "tools[2]: no such file: create sums.py beside"),
        ('tools = ["clock"]', "tools[1]: no tool 'clock': name one of time, date, rate, or a .py"),
        ('knowledge = "facts"', "knowledge: no such folder: create facts with .md or .txt"),
        ('knowledge = "../facts"', "knowledge: '../facts' is no folder in the persona's own"),
        ('hand_over = ["nobody"]', "hand_over[1]: no persona 'nobody': choose one of "),
        ('mcp = [{ name = "clock" }]', "mcp[1]: needs either command or url: give one of them"),
        ('disclosure = " "', "disclosure: is empty: write a sentence"),
    ],
)
def test_what_a_persona_may_use_is_checked(folder: Path, line: str, message: str) -> None:
    path = folder / "persona.toml"
    text = path.read_text().replace('disclosure = "You are talking to an AI"\n', "")
    if line.startswith("hand_over"):
        text = text.replace('hand_over = ["anselm", "jun"]\n', "")
    path.write_text(text.replace('name = "Imani"\n', f'name = "Imani"\n{line}\n'))
    with pytest.raises(PersonaError) as caught:
        personas.load(folder)
    assert f"persona.toml:2: {message}" in str(caught.value)


def test_an_edit_counts_from_the_next_load(folder: Path) -> None:
    path = folder / "persona.toml"
    path.write_text(path.read_text().replace('role = "Host"', 'role = "Butler"'))
    assert personas.load(folder).role == "Butler"


def test_the_shared_commands_are_sound_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text(script.COMMANDS.read_text())
    shared = script.load(tmp_path / "script.toml")
    for do in ("unclear", "beyond", "suggest", "nudge", "more", "repeat", "continue"):
        assert shared.doing(do) is not None


LINES = '''# a comment with = and [brackets]
title = "a # b"
"quoted key" = 'x'
numbers = [1, 2,
  3, # three
  4]
inline = { a = 1, b = [ "x", """
y""", "z" ] }
text = """
[not.a.table]
key = 1
"""
a.b.c = 1979-05-27 07:32:00

[table.inner]
key = true
[[list]]
x = 1
[[list]]
x = 2
[[list.deep]]
z = 3
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("title",), 2),
        (("quoted key",), 3),
        (("numbers",), 4),
        (("numbers", 2), 5),
        (("numbers", 3), 6),
        (("inline", "b", 0), 7),
        (("inline", "b", 2), 8),
        (("text",), 9),
        (("a", "b", "c"), 13),
        (("table", "inner", "key"), 16),
        (("list", 0, "x"), 18),
        (("list", 1, "x"), 20),
        (("list", 1, "deep", 0, "z"), 22),
        (("list", 1, "deep", 0, "missing"), 21),
        (("nowhere",), 1),
    ],
)
def test_the_line_of_any_key_is_found(key: tuple[str | int, ...], line: int) -> None:
    assert toml_lines.line_of(LINES, key) == line


@given(st.lists(st.sampled_from(["[[t]]", "a = 1", 'b = """\nx\n"""', "", "# c = 2"]), max_size=8))
def test_the_last_key_is_found_on_the_last_line(before: list[str]) -> None:
    body, used = "", set[str]()
    for piece in before:
        if piece.startswith("[["):
            used.clear()
        elif piece[:1] in used:
            continue
        used.add(piece[:1])
        body += piece + "\n"
    text = body + "[end]\nkey = 0\n"
    assert toml_lines.line_of(text, ("end", "key")) == text.count("\n")


def test_a_setting_may_name_a_folder(tmp_path: Path) -> None:
    shutil.copytree(personas.SHIPPED / "imani", tmp_path / "mine")
    assert personas.from_setting(f"{tmp_path}/mine").id == "mine"
    assert personas.from_setting("imani").id == "imani"
