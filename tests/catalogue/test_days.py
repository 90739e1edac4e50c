"""Daily actives follow from who begins and who ceases to count, and periods sum them."""

import datetime as dt

from kpikit.catalogue.days import daily_actives


def test_daily_actives_follow_from_who_begins_and_who_ceases():
    first = dt.date(2026, 7, 1)
    counts = [
        {"kind": "begin", "kpikit_day": first, "users": 3},
        {"kind": "begin", "kpikit_day": first + dt.timedelta(days=8), "users": 1},
        {"kind": "wau", "kpikit_day": first + dt.timedelta(days=7), "users": 2},
        {"kind": "wau", "kpikit_day": first + dt.timedelta(days=8), "users": 1},
    ]

    frame = daily_actives(counts, last=first + dt.timedelta(days=8))

    assert frame["dau"].tolist() == [3, 0, 0, 0, 0, 0, 0, 0, 1]
    assert frame["wau"].tolist()[6:] == [3, 1, 1]
    assert frame["wau"].isna().sum() == 6  # the first whole week ends on the 7th day
    assert frame["mau"].isna().all()
    assert frame["kpikit_segment"].unique().tolist() == [""]


def test_without_users_there_are_no_days():
    assert daily_actives([], last=dt.date(2026, 7, 1)).empty
