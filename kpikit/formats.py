"""Numbers to text, the same in every face of a report.

A minus is the true sign (U+2212), thousands are parted by commas, a share becomes ``%`` here and
nowhere else, and a missing number is an en dash.
"""

import datetime as dt
import math
from typing import Literal

Unit = Literal["money", "count", "share", "ratio", "points", "months", "days", "number"]

MISSING = "–"
MINUS = "−"
_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪"}
_SCALES = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))


def is_missing(value: float | None) -> bool:
    """Tell whether a number is absent or not finite."""
    return value is None or not math.isfinite(value)


def format_value(
    value: float | None, unit: Unit, *, currency: str = "", short: bool = False
) -> str:
    """Return a metric's value as text.

    Args:
        value: The number; None or a non-finite one is shown as missing.
        unit: What it counts.
        currency: ISO code, for money.
        short: Scale to k, M, bn with three significant figures, for tiles and sentences.
    """
    if is_missing(value):
        return MISSING
    assert value is not None
    if unit == "money":
        return format_money(value, currency, short=short)
    if unit == "share":
        return format_share(value)
    if unit == "count":
        return format_count(value, short=short)
    if unit == "points":
        return _signless(value, 0 if abs(value) >= 10 else 1)
    if unit in ("months", "days"):
        return f"{_signless(value, 1)} {unit}"
    return _signless(value, 2 if abs(value) < 100 else 1)


def format_money(value: float | None, currency: str, *, short: bool = False) -> str:
    """Return money with its symbol, or its code where it has none: ``£748 k``, ``CHF 41.20``."""
    if is_missing(value):
        return MISSING
    assert value is not None
    sign = MINUS if value < 0 else ""
    symbol = _SYMBOLS.get(currency, f"{currency} " if currency else "")
    amount = abs(value)
    if short and amount >= 1000:
        return f"{sign}{symbol}{_scaled(amount)}"
    digits = 2 if amount < 1000 else 0
    text = f"{amount:,.{digits}f}"
    return f"{'' if _is_zero(text) else sign}{symbol}{text}"


def format_count(value: float | None, *, short: bool = False) -> str:
    """Return a count: ``18,155``, or ``18.2 k`` when short and at least 10,000."""
    if is_missing(value):
        return MISSING
    assert value is not None
    if short and abs(value) >= 10_000:
        return f"{MINUS if value < 0 else ''}{_scaled(abs(value))}"
    return _signless(value, 0 if float(value).is_integer() or abs(value) >= 100 else 1)


def format_share(value: float | None, *, digits: int | None = None) -> str:
    """Return a share as a percentage: 0.0261 is ``2.61 %``, 0.384 is ``38.4 %``."""
    if is_missing(value):
        return MISSING
    assert value is not None
    percent = 100 * value
    if digits is None:
        digits = 2 if abs(percent) < 10 else 1
    return f"{_signless(percent, digits)} %"


def format_delta(
    value: float | None, unit: Unit, *, currency: str = "", short: bool = True
) -> str:
    """Return an absolute change with its sign; a change of a share is in percentage points."""
    if is_missing(value):
        return MISSING
    assert value is not None
    if unit == "share":
        text = f"{_signless(abs(100 * value), 2 if abs(100 * value) < 10 else 1)} pt"
    else:
        text = format_value(abs(value), unit, currency=currency, short=short)
    return _with_sign(value, text)


def format_delta_rel(value: float | None) -> str:
    """Return a relative change with its sign: 0.1 is ``+10.0 %``."""
    if is_missing(value):
        return MISSING
    assert value is not None
    percent = abs(100 * value)
    return _with_sign(value, f"{percent:,.{1 if percent < 1000 else 0}f} %")


def format_interval(
    low: float | None, high: float | None, unit: Unit, *, currency: str = ""
) -> str:
    """Return an interval ``2.56 to 2.66 %``; missing where either end is."""
    if is_missing(low) or is_missing(high):
        return MISSING
    first = format_value(low, unit, currency=currency, short=True)
    last = format_value(high, unit, currency=currency, short=True)
    if unit == "share":
        first = first.removesuffix(" %")
    return f"{first} to {last}"


def format_date(day: dt.date) -> str:
    """Return a day as ``30 Sep 2026``."""
    return f"{day.day} {day:%b %Y}"


def format_span(start: dt.date, end: dt.date) -> str:
    """Return the days of [start, end) as ``1 Jul – 30 Sep 2026``."""
    last = end - dt.timedelta(days=1)
    first_text = f"{start.day} {start:%b}" if start.year == last.year else format_date(start)
    return f"{first_text} – {format_date(last)}"


def format_bytes(size: float) -> str:
    """Return a size in bytes as ``1.2 MB``."""
    for factor, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= factor:
            return f"{size / factor:.1f} {name}"
    return f"{size:.0f} B"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return a count with its noun: ``1 row``, ``1,204 rows``."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def _scaled(amount: float) -> str:
    for index, (factor, suffix) in enumerate(_SCALES):
        # 999,950 would read "1000 k": what rounds up to the next scale is written in it.
        if amount >= factor * 0.9995 or index == len(_SCALES) - 1:
            scaled = amount / factor
            digits = 0 if scaled >= 99.95 else 1 if scaled >= 9.995 else 2
            return f"{scaled:,.{digits}f} {suffix}"
    raise AssertionError("the last scale takes every amount")


def _signless(value: float, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and not _is_zero(text) else text


def _with_sign(value: float, text: str) -> str:
    if _is_zero(text):
        return f"±{text}"
    return f"{'+' if value > 0 else MINUS}{text}"


def _is_zero(text: str) -> bool:
    digits = [char for char in text if char.isdigit()]
    return all(char == "0" for char in digits)
