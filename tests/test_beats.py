from livekit.plugins.visavis.beats import UserBeats


def counted(*transcripts: str) -> list[int]:
    beats = UserBeats()
    found = []
    for text in transcripts:
        beats.heard(text, final=text.endswith("|"))
        found.append(beats.count)
    return found


def test_a_clause_counts_once_however_often_it_is_recognised() -> None:
    assert counted("if it rains", "if it rains,", "if it rains, I", "if it rains, I stay.") == [
        *(0, 1, 1, 2)
    ]


def test_words_count_where_a_recogniser_writes_no_commas() -> None:
    words = [f"w{i}" for i in range(15)]
    growing = [" ".join(words[: i + 1]) for i in range(15)]
    assert counted(*growing) == [0] * 6 + [1] * 7 + [2] * 2


def test_the_end_of_an_utterance_counts_and_begins_a_new_one() -> None:
    assert counted("yes, and|", "so,") == [1, 2]


def test_decimals_and_inner_marks_are_no_clauses() -> None:
    assert counted("it costs 3.50", "at 12:30") == [0, 0]


def test_a_pause_counts() -> None:
    beats = UserBeats()
    beats.paused()
    assert beats.count == 1
