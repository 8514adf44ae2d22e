"""Knowledge finds the passage a question is about, within its bounds."""

from pathlib import Path

import pytest

from agent import knowledge, personas
from agent.knowledge import PASSAGE_WORDS, KnowledgeError, passages_of

JUN = personas.load("jun")


@pytest.fixture(scope="module")
def notes() -> knowledge.Knowledge:
    assert JUN.knowledge is not None
    return knowledge.load(JUN.folder / JUN.knowledge)


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        ("can i run it with ollama", "A local language model"),
        ("is there a docker image", "Docker"),
        ("do you keep my photo", "Another face"),
        ("does the setup want go or python", "Setting up"),
        ("what gets logged of what i say", "Privacy and disclosure"),
        ("how can i edit a persona while we are talking", "Changing a persona during a call"),
    ],
)
def test_a_question_finds_its_passage(
    notes: knowledge.Knowledge, question: str, heading: str
) -> None:
    found = notes.find(question)
    assert found[0].passage.heading == heading
    assert found[0].share >= 0.5 and len(found) <= knowledge.FOUND


@pytest.mark.parametrize("question", ["who won the world cup", "", "!!!", "bananas"])
def test_what_the_notes_do_not_hold_is_not_found(notes: knowledge.Knowledge, question: str) -> None:
    assert all(found.share < 0.5 for found in notes.find(question))


def test_a_file_is_cut_at_headings_and_long_paragraphs_between_sentences() -> None:
    long = " ".join(f"This is sentence number {n} of a long paragraph." for n in range(60))
    text = f"Before.\n\n# One\n\nA *bold* [link](http://x.y) to `MY_KEY`.\n\n{long}\n\n## Two\nEnd."
    found = passages_of("a.md", text)
    assert [p.heading for p in found] == ["", *["One"] * (len(found) - 2), "Two"]
    assert found[1].text.startswith("A bold link to MY_KEY.")
    assert all(len(p.text.split()) <= PASSAGE_WORDS for p in found)
    assert " ".join(p.text for p in found).count("sentence number") == 60
    assert all(p.text.endswith(".") for p in found)


def test_other_languages_have_their_own_endings() -> None:
    passages = passages_of("a.md", "Die Häuser stehen am Fluss.\n\n# B\n\nDer Hund schläft.")
    found = knowledge.Knowledge(passages, language="de").find("Welches Haus steht dort?")
    assert found[0].passage.text.startswith("Die Häuser")


def test_what_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"no .md or .txt file in it: add one"):
        knowledge.load(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KnowledgeError, match=r"/a.txt: cannot be read .* save it as UTF-8"):
        knowledge.load(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"a" * (knowledge.MAX_FILE_BYTES + 1))
    with pytest.raises(KnowledgeError, match=r"/a.txt: too large"):
        knowledge.load(tmp_path)


def test_a_file_without_words_is_no_passage(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("\n\n#\n\n")
    assert knowledge.load(tmp_path).find("anything") == []
