"""What customers say: themes with their counts and quotes, and how far a score moved."""

import pandas as pd

from kpikit.formats import (
    MISSING,
    format_count,
    format_delta,
    format_interval,
    format_share,
    format_value,
    is_missing,
    plural,
)
from kpikit.present.components import Column, Table
from kpikit.present.frames import Row, in_words, records
from kpikit.present.sentences import MORE_THAN_SAMPLING, signal_clause

_OTHER = "other"
_COLUMNS = (
    Column("theme", "Theme", width=1.1),
    Column("comments", "Comments", "number"),
    Column("share", "Share (95 %)", "number", width=2.1, emphasis=True),
    Column("mean_score", "Mean score", "number", width=1.1),
    Column("quote", "Quotes", width=5.2),
)


def themes_table(themes: pd.DataFrame, *, period: str) -> Table:
    """Return the themes of comments, most frequent first, with quotes that may be printed.

    Args:
        themes: ``theme_table``; its ``attrs`` hold ``comments`` and ``consented``.
        period: Name of the period.
    """
    rows = [
        {
            "theme": in_words(row["theme"]),
            "comments": format_count(row["comments"]),
            "share": f"{format_share(row['share'], digits=0)} "
            f"({format_interval(row['ci_low'], row['ci_high'], 'share')})",
            "mean_score": MISSING
            if is_missing(row["mean_score"])
            else format_value(row["mean_score"], "number"),
            "quote": " ".join(f"“{quote}”" for quote in row["quotes"]) or MISSING,
        }
        for row in records(themes)
    ]
    notes = ["A comment may speak of several themes."]
    if not themes.attrs["consented"]:
        notes.append("No quote is printed: the survey's column may_quote allows none.")
    subtitle = (
        f"{plural(themes.attrs['comments'], 'comment')}, {period}, by declared keywords; score: "
        "0 to 10; e-mail addresses, telephone and card numbers masked"
    )
    return Table(_COLUMNS, tuple(rows), themes_title(themes), subtitle, tuple(notes))


def themes_title(themes: pd.DataFrame) -> str:
    """Return the message: ``“Price” is spoken of most: 31 of 120 comments, 26 %``.

    Args:
        themes: ``theme_table``.
    """
    top = records(themes)[0]
    total = themes.attrs["comments"]
    if top["theme"] == _OTHER or not top["comments"]:
        return f"No comment of {total:,} speaks of a declared theme"
    name = in_words(top["theme"])
    share = format_share(top["share"], digits=0)
    return (
        f"“{name[:1].upper()}{name[1:]}” is spoken of most: "
        f"{format_count(top['comments'])} of {plural(total, 'comment')}, {share}"
    )


def change_title(row: Row, *, base: str, kpi: Row) -> str:
    """Return how far the score moved, with what its interval and what its months say of that.

    ``NPS −13 (−25 to −1) points on 2026Q2: more than sampling error, though no month is a signal``.
    A verb would claim a signal, and that claim is the headline's alone (``sentences.headline``):
    the interval asks only who happened to answer, the months also how a score comes and goes.

    Args:
        row: The last row of ``score_change_table``.
        base: Name of what the change is counted from.
        kpi: The score's row of ``scorecard_table``; empty where the scorecard has none.
    """
    clear = row["verdict"] in ("rise", "fall")
    text = f"NPS {change_text(row)} points on {base}: {'' if clear else 'no '}{MORE_THAN_SAMPLING}"
    signal = signal_clause(kpi)
    if not signal:
        return text
    return f"{text}{', though ' if clear and kpi['variation'] == 'routine' else '; '}{signal}"


def change_text(row: Row) -> str:
    """Return a change with its interval, a dash where there is none."""
    if is_missing(row["change"]):
        return MISSING
    interval = format_interval(row["change_low"], row["change_high"], "points")
    return f"{format_delta(row['change'], 'points')} ({interval})"
