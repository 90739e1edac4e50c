"""What customers write: comments counted by declared themes, and quotes that may be printed."""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kpikit.engine import as_table, check_columns, fetch, local_date, naive_utc
from kpikit.errors import AnalysisError
from kpikit.intervals import wilson_interval
from kpikit.periods import Calendar, Period

OTHER = "other"
_CONSENT = ("yes", "y", "true", "1")
_LONGEST_QUOTE = 240  # characters; a longer one ends at a word before
_SIGN = r"[\s().\-/_*\u00b7\u2010-\u2015\u2022\u00a0]"  # between digits of a telephone or card
_AT = r"(?:@|%40|\s*[\[({<]\s*at\s*[\])}>]\s*)"  # "ada (at) example.org" is as good as an address
_MASKS = (
    (re.compile(rf"(?:\"[^\"@]+\"|[\w.+'-]+){_AT}[\w-]+(?:\.[\w-]+)*", re.IGNORECASE), "[e-mail]"),
    (re.compile(rf"(?<!\d)[1-9](?:{_SIGN}?\d){{12,32}}(?!\d)"), "[card number]"),
    (re.compile(rf"(?<![\d])\+?\(?\d(?:{_SIGN}*\d){{6,}}"), "[telephone]"),
)


def theme_table(
    survey: ir.Table | pd.DataFrame,
    themes: Mapping[str, Sequence[str]],
    period: Period,
    *,
    calendar: Calendar,
    as_of: dt.date,
    most_quotes: int = 2,
) -> pd.DataFrame:
    """Return how many comments of a period speak of each theme, with quotes.

    A comment speaks of a theme when it holds one of its keywords as whole words, upper and lower
    case alike; a keyword that ends in ``*`` matches words that begin with it. It may speak of
    several themes, so the shares need not add up to 1. What speaks of none is ``other``, the last
    row. Empty comments are none.

    Quotes are printed only where ``may_quote`` says yes, with e-mail addresses, telephone and card
    numbers masked; a table without that column gives none.

    Args:
        survey: One row per answer: ``comment``, ``answer_time`` (UTC); ``score`` and ``may_quote``
            where there are such.
        themes: Theme to its keywords, as under ``themes`` of a product's file.
        period: The period.
        calendar: How the product cuts time.
        as_of: Last complete day of data; later answers do not count.
        most_quotes: Most quotes per theme, newest first.

    Returns:
        One row per theme, most comments first: ``theme``, ``comments``, ``share`` of all comments
        with ``ci_low`` and ``ci_high`` (Wilson, 95 %), ``mean_score`` of those who wrote them (NaN
        without scores), ``quotes`` (a tuple of texts). ``attrs["comments"]`` is the number of
        comments, ``attrs["consented"]`` of those that may be quoted. No comment, no row.

    Raises:
        AnalysisError: A column is missing, or there is no theme.
    """
    if not themes:
        raise AnalysisError(
            "There is no theme in theme_table.\nDeclare some under themes, each with its keywords."
        )
    comments = _comments(as_table(survey), period, calendar, as_of)
    patterns = {name: keyword_pattern(words) for name, words in themes.items()}
    spoken = {
        name: [one for one in comments if pattern.search(one.text)]
        for name, pattern in patterns.items()
    }
    heard = {one.place for found in spoken.values() for one in found}
    spoken[OTHER] = [one for one in comments if one.place not in heard]
    total = len(comments)
    rows = [_row(name, found, total, most_quotes) for name, found in spoken.items() if total]
    rows.sort(key=lambda row: (row["theme"] == OTHER, -row["comments"]))
    columns = ["theme", "comments", "share", "ci_low", "ci_high", "mean_score", "quotes"]
    table = pd.DataFrame(rows, columns=columns)
    table.attrs.update(comments=total, consented=sum(one.consented for one in comments))
    return table


def keyword_pattern(words: Sequence[str]) -> re.Pattern[str]:
    """Return the pattern that finds any of the keywords in a text as whole words."""
    parts = []
    for word in words:
        text = re.escape(word.rstrip("*").strip())
        text = re.sub(r"(?:\\ )+", r"\\s+", text)  # words may be parted by any space
        parts.append(text + (r"\w*" if word.endswith("*") else ""))
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE)


def mask_private(text: str) -> str:
    """Return a text with e-mail addresses, telephone and card numbers replaced.

    Seven digits or more in a row, parted by spaces or signs, count as a telephone number, and
    thirteen or more as that of a card or account, so that rather too much is masked than too
    little. Look-alike letters are written as usual ones first,
    and invisible ones removed, so that they hide nothing.

    Example:
        >>> mask_private("Call +44 20 7946 0958 or ada@example.org, card 4111 1111 1111 1111")
        'Call [telephone] or [e-mail], card [card number]'
    """
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(char for char in plain if unicodedata.category(char) != "Cf")
    for pattern, name in _MASKS:
        plain = pattern.sub(name, plain)
    return plain


@dataclass(frozen=True)
class _Comment:
    """A comment: its place among all, its text, whether it may be quoted, its score or NaN."""

    place: int
    text: str
    consented: bool
    score: float


def _comments(
    table: ir.Table, period: Period, calendar: Calendar, as_of: dt.date
) -> list[_Comment]:
    """Return the comments of the period, newest first."""
    check_columns(table, ["comment", "answer_time"], "survey")
    day = local_date(naive_utc(table.answer_time), calendar.timezone)
    columns = ["comment", "answer_time", *{"score", "may_quote"}.intersection(table.columns)]
    rows = table.filter(
        day >= period.start,
        day <= min(period.last_day, as_of),
        table.comment.strip() != "",
    )
    found = fetch(rows.select(columns)).to_pylist()
    found.sort(key=lambda row: row["comment"])
    found.sort(key=lambda row: row["answer_time"], reverse=True)
    scores = pd.to_numeric(
        pd.Series([row.get("score") for row in found], dtype=object), errors="coerce"
    )
    return [
        _Comment(
            place,
            row["comment"],
            str(row.get("may_quote", "")).strip().casefold() in _CONSENT,
            float(score),
        )
        for place, (row, score) in enumerate(zip(found, scores, strict=True))
    ]


def _row(name: str, found: list[_Comment], total: int, most_quotes: int) -> dict[str, Any]:
    low, high = wilson_interval(len(found), total)
    texts = list(dict.fromkeys(one.text for one in found if one.consented))[:most_quotes]
    scores = np.array([one.score for one in found], dtype=float)
    known = int((~np.isnan(scores)).sum())
    return {
        "theme": name,
        "comments": len(found),
        "share": len(found) / total,
        "ci_low": float(low),
        "ci_high": float(high),
        "mean_score": np.nansum(scores) / known if known else math.nan,
        "quotes": tuple(_shortened(mask_private(text)) for text in texts),
    }


def _shortened(text: str) -> str:
    """Return a text on one line, ended at a word where it is long."""
    line = " ".join(text.split())
    if len(line) <= _LONGEST_QUOTE:
        return line
    return line[:_LONGEST_QUOTE].rsplit(" ", 1)[0].rstrip(",;:.") + " …"
