"""How often one address may ask."""

from agent.buckets import RateLimit


def test_a_bucket_lets_its_burst_through_and_then_one_at_a_time() -> None:
    limit = RateLimit(burst=2, per_second=0.5)
    assert [limit.wait_s("a", 0.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert limit.wait_s("a", 2.0) == 0.0
    assert limit.wait_s("a", 2.0) == 2.0


def test_addresses_do_not_share_a_bucket() -> None:
    limit = RateLimit(burst=1, per_second=1)
    assert limit.wait_s("a", 0.0) == 0.0
    assert limit.wait_s("b", 0.0) == 0.0


def test_the_table_of_addresses_never_grows_beyond_its_places() -> None:
    limit = RateLimit(burst=1, per_second=1, places=8)
    for number in range(100):
        limit.wait_s(str(number), 0.0)
    assert len(limit) == 8
