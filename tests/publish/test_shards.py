"""Every product has one shard, and keeps it whatever else comes or goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpikit.errors import KpikitError
from kpikit.publish.shards import Shard, parse_shard

KEYS = [f"product_{number}" for number in range(200)]


def owner(key, count):
    (number,) = [n for n in range(1, count + 1) if Shard(n, count).holds(key)]
    return number


@given(key=st.text(min_size=1, max_size=40), count=st.integers(1, 12))
def test_a_product_belongs_to_one_shard_alone(key, count):
    assert 1 <= owner(key, count) <= count


def test_a_product_keeps_its_shard_for_good():
    # the greatest of: for n in 1 2 3 4; do printf "$n\\0atlas" | sha256sum; done
    assert [owner(key, 4) for key in ("atlas", "beacon", "comet")] == [1, 3, 4]


def test_keys_that_differ_in_letter_case_or_composition_alone_go_together():
    assert owner("\u00c4pfel", 7) == owner("a\u0308PFEL", 7)


def test_shards_are_of_like_size():
    counts = [sum(owner(key, 4) == number for key in KEYS) for number in range(1, 5)]

    # 50 expected each, standard deviation 6
    assert all(30 <= count <= 70 for count in counts)


def test_one_shard_more_takes_from_the_others_and_moves_nothing_between_them():
    moved = [(owner(key, 4), owner(key, 5)) for key in KEYS]

    assert all(after in (before, 5) for before, after in moved)


def test_part_and_number_of_parts_are_read():
    assert parse_shard(" 2 / 8 ") == Shard(2, 8)
    assert str(Shard(2, 8)) == "2/8"
    assert Shard(2, 8).manifest_name == "run-2-of-8.json"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2", r"^--shard is '2'\.\nGive part and number of parts, both from 1, such as 2/8\.$"),
        ("a/b", r"^--shard is 'a/b'\.\nGive part and number"),
        ("-1/4", r"^--shard is '-1/4'\.\nGive part and number"),
        ("", r"^--shard is ''\.\nGive part and number"),
        ("1/0", r"^--shard is '1/0'\.\nGive 1 to 10000 parts"),
        ("1/20000", r"^--shard is '1/20000'\.\nGive 1 to 10000 parts"),
        ("5/4", r"parts are counted from 1 to 4\.\nGive one of 1/4 to 4/4\.$"),
        ("0/4", r"Give one of 1/4 to 4/4\. Where jobs are counted from 0, add 1: "),
    ],
)
def test_a_mistake_is_told_with_what_to_give(text, message):
    with pytest.raises(KpikitError, match=message):
        parse_shard(text)
