"""Daily actives follow from how long users count from each day on, and periods sum them."""

import datetime as dt

import pyarrow as pa

from kpikit.catalogue.days import daily_actives

FIRST = dt.date(2026, 7, 1)


def counts(*rows):
    """Return rows of (days after the first, days for which they count, users)."""
    days = [FIRST + dt.timedelta(days=day) for day, _, _ in rows]
    until = [FIRST + dt.timedelta(days=day + length) for day, length, _ in rows]
    return pa.table(
        {
            "kpikit_day": pa.array(days, pa.date32()),
            "kpikit_until": pa.array(until, pa.date32()),
            "users": pa.array([users for *_, users in rows], pa.int64()),
        }
    )


def test_daily_actives_follow_from_how_long_users_count():
    # two users come on the first day alone; a third comes again after eight days
    found = daily_actives(counts((0, 30, 2), (0, 8, 1), (8, 30, 1)), last=FIRST.replace(day=9))

    frame = found[0, ""]
    assert list(found) == [(0, "")]
    assert frame["dau"].tolist() == [3, 0, 0, 0, 0, 0, 0, 0, 1]
    assert frame["wau"].tolist()[6:] == [3, 0, 1]
    assert frame["wau"].isna().sum() == 6  # the first whole week ends on the 7th day
    assert frame["mau"].isna().all()
    assert frame["kpikit_day"].tolist()[-1] == FIRST.replace(day=9)


def test_who_comes_again_within_the_window_counts_once():
    found = daily_actives(counts((0, 3, 1), (3, 30, 1)), last=FIRST.replace(day=11))

    assert found[0, ""]["wau"].tolist()[6:] == [1, 1, 1, 1, 0]


def test_every_segment_begins_with_the_first_day_of_any():
    table = counts((0, 30, 1), (1, 30, 2), (0, 1, 1), (1, 30, 3))
    table = table.append_column("kpikit_dimension", [[0, 0, 1, 1]])
    table = table.append_column("kpikit_segment", [["web", "app", "free", "free"]])

    found = daily_actives(table, last=FIRST.replace(day=2))

    assert {place: frame["dau"].tolist() for place, frame in found.items()} == {
        (0, "web"): [1, 0],
        (0, "app"): [0, 2],
        (1, "free"): [1, 3],
    }


def test_without_users_there_are_no_days():
    assert daily_actives(counts(), last=FIRST) == {}
