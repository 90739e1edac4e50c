"""What a report may take, as the user writes it and as it is read back."""

import pytest

from kpikit.errors import KpikitError
from kpikit.publish import limits
from kpikit.publish.limits import Limits, format_size, memory_share, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GiB", 2 * 1024**3),
        ("1.5 KiB", 1536),
        ("500mb", 500_000_000),
        ("3 B", 3),
        ("0", 0),
        ("0MiB", 0),
    ],
)
def test_a_size_is_a_number_with_its_unit(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["2", "2 gigs", "-1GiB", "", "GiB", "1e3kB"])
def test_anything_else_is_no_size(text):
    with pytest.raises(KpikitError, match=rf"^'{text}' is no size\.\nWrite a number and kB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (2 * 1024**3, "2 GiB"),
        (1536, "1.5 KiB"),
        (100 * 1024**2, "100 MiB"),
        (17, "17 bytes"),
    ],
)
def test_a_size_is_shown_in_its_largest_unit(size, text):
    assert format_size(size) == text


def test_reports_at_once_share_nine_tenths_of_the_memory(monkeypatch):
    monkeypatch.setattr(limits, "_memory", lambda: 20 * 1024**3)

    shares = [memory_share(reports) for reports in (1, 2, 100)]

    # 18 GiB, 9 GiB, and not 0.18 but the least share
    assert shares == [18 * 1024**3, 9 * 1024**3, 1024**3]


def test_what_the_user_allows_is_not_shared(monkeypatch):
    monkeypatch.setattr(limits, "_memory", lambda: 20 * 1024**3)

    assert Limits(memory=5).shared_by(2).memory == 5
    assert Limits(memory=0).shared_by(2).memory == 0
    assert Limits().shared_by(2).memory == 9 * 1024**3


def test_a_machine_that_does_not_tell_its_memory_has_no_limit(monkeypatch):
    monkeypatch.setattr(limits, "_memory", lambda: 0)

    assert memory_share(1) == 0


def test_a_container_has_its_own_memory(tmp_path):
    (tmp_path / "of the container").write_text("1000000\n")
    (tmp_path / "none").write_text("max\n")
    files = [tmp_path / name for name in ("of the container", "none", "absent")]

    assert limits._memory(files) == 1_000_000
    assert limits._memory(files[1:]) > 1_000_000
