"""Numbers to text, the same in every face of a report.

A minus is the true sign (U+2212), thousands are parted by commas, a share becomes ``%`` here and
nowhere else, and a missing number is an en dash.
"""

import datetime as dt
import math
import re
from collections.abc import Sequence
from typing import Literal, TypeGuard

Unit = Literal["money", "count", "share", "ratio", "points", "months", "days", "number"]

MISSING = "–"
MINUS = "−"
_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "KRW": "₩", "ILS": "₪"}
_WITHOUT_CENTS = frozenset(  # by ISO 4217
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV",
     "XAF", "XOF", "XPF")
)  # fmt: skip
_SCALES = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))
# Not strftime's names: those follow the locale of the process.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def is_missing(value: float | None) -> bool:
    """Tell whether a number is absent or not finite."""
    return not _is_known(value)


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


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
    if unit == "money":
        return format_money(value, currency, short=short)
    if unit == "share":
        return format_share(value)
    if unit == "count":
        return format_count(value, short=short)
    if not _is_known(value):
        return MISSING
    if unit in ("months", "days"):
        return f"{_number(value, 1)} {unit}"
    coarse, limit = (0, 10) if unit == "points" else (1, 100)
    return _number(value, _digits(value, fine=coarse + 1, coarse=coarse, limit=limit))


def format_declared(value: float | None, unit: Unit, *, currency: str = "") -> str:
    """Return a value that somebody set, such as a target: ``£5 k``, ``9 %``, not ``£5.00 k``.

    Decimals stay where the value has any.
    """
    text = format_value(value, unit, currency=currency, short=True)
    whole = re.fullmatch(r"([^\d]*)([\d,]+)\.0+( \S+)?", text)
    if value is None or whole is None:
        return text
    sign, digits, suffix = whole.group(1), whole.group(2), whole.group(3) or ""
    factor = {f" {name}": size for size, name in _SCALES}.get(suffix, 1.0)
    amount = abs(100 * value if unit == "share" else value) / factor
    is_exact = math.isclose(amount, float(digits.replace(",", "")), rel_tol=1e-9, abs_tol=1e-9)
    return f"{sign}{digits}{suffix}" if is_exact else text


def format_alike(values: Sequence[float], unit: Unit) -> list[str]:
    """Return values on one scale, with as many decimals each: ``0.88 k`` beside ``9.21 k``.

    The greatest has three figures, a share two. Currencies are left to a subtitle; an unknown
    value is no text.
    """
    known = [abs(value) for value in values if _is_known(value)]
    largest = max(known, default=0.0)
    factor, suffix = 1.0, ""
    if unit == "share":
        factor, suffix = 0.01, " %"
    elif largest >= (10_000 if unit == "count" else 1e3):
        factor, name = next(scale for scale in _SCALES if largest >= scale[0] * 0.9995)
        suffix = f" {name}"
    top = largest / factor
    digits = 0 if top >= 99.95 else 1 if top >= 9.995 else 2
    if unit == "share":
        digits = 0 if top >= 10 else 1
    elif factor == 1.0 and all(float(value).is_integer() for value in known):
        digits = 0
    return [
        f"{_number(value / factor, digits)}{suffix}" if _is_known(value) else "" for value in values
    ]


def format_money(
    value: float | None, currency: str, *, short: bool = False, whole: bool = False
) -> str:
    """Return money with its symbol, or its code where it has none: ``£748 k``, ``CHF 41.20``.

    Args:
        value: The amount.
        currency: ISO code.
        short: Scale to k, M, bn.
        whole: Leave out cents, which less than a thousand has otherwise.
    """
    if not _is_known(value):
        return MISSING
    sign = MINUS if value < 0 else ""
    symbol = _SYMBOLS.get(currency, f"{currency} " if currency else "")
    amount = abs(value)
    cents = 0 if whole or currency in _WITHOUT_CENTS else 2
    if short and round(amount, cents) >= 1000:
        return f"{sign}{symbol}{_scaled(amount)}"
    text = f"{amount:,.{_digits(amount, fine=cents, coarse=0, limit=1000)}f}"
    return f"{'' if _is_zero(text) else sign}{symbol}{text}"


def format_count(value: float | None, *, short: bool = False) -> str:
    """Return a count: ``18,155``, or ``18.2 k`` when short and at least 10,000."""
    if not _is_known(value):
        return MISSING
    if short and round(abs(value)) >= 10_000:
        return f"{MINUS if value < 0 else ''}{_scaled(abs(value))}"
    whole = float(value).is_integer()
    return _number(value, 0 if whole else _digits(value, fine=1, coarse=0, limit=100))


def format_share(value: float | None, *, digits: int | None = None) -> str:
    """Return a share as a percentage: 0.0261 is ``2.61 %``, 0.384 is ``38.4 %``."""
    if not _is_known(value):
        return MISSING
    return f"{_number(100 * value, _share_digits(value) if digits is None else digits)} %"


def format_chance(value: float | None) -> str:
    """Return a probability in whole percents, certain only where it is: ``84 %``, ``> 99 %``."""
    if not _is_known(value):
        return MISSING
    if 0 < value < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < value < 1 else f"{_number(100 * value, 0)} %"


def format_part(value: float | None) -> str:
    """Return what part of a whole something is: a share, in which a little is not nothing."""
    return "< 0.01 %" if _is_known(value) and 0 < value < 0.00005 else format_share(value)


def format_delta(value: float | None, unit: Unit, *, currency: str = "", short: bool = True) -> str:
    """Return an absolute change with its sign; a change of a share is in percentage points."""
    if not _is_known(value):
        return MISSING
    if unit == "share":
        text = f"{_number(abs(100 * value), _share_digits(value))} pt"
    else:
        text = format_value(abs(value), unit, currency=currency, short=short)
    return _with_sign(value, text)


def format_delta_rel(value: float | None) -> str:
    """Return a relative change with its sign: 0.1 is ``+10.0 %``."""
    if not _is_known(value):
        return MISSING
    percent = abs(100 * value)
    digits = _digits(percent, fine=1, coarse=0, limit=1000)
    return _with_sign(value, f"{_number(percent, digits)} %")


def format_interval(
    low: float | None, high: float | None, unit: Unit, *, currency: str = ""
) -> str:
    """Return an interval ``2.56 to 2.66 %``; missing where either end is.

    Both ends of a share or a score bear the digits of the greater; what follows a number is
    written once.
    """
    if not _is_known(low) or not _is_known(high):
        return MISSING
    if unit == "share":
        digits = min(_share_digits(low), _share_digits(high))
        return f"{_number(100 * low, digits)} to {format_share(high, digits=digits)}"
    if unit == "points":
        digits = min(_digits(end, fine=1, coarse=0, limit=10) for end in (low, high))
        return f"{_number(low, digits)} to {_number(high, digits)}"
    first = format_value(low, unit, currency=currency, short=True)
    last = format_value(high, unit, currency=currency, short=True)
    return f"{first.removesuffix(f' {unit}')} to {last}"


def format_date(day: dt.date) -> str:
    """Return a day as ``30 Sep 2026``."""
    return f"{_day_and_month(day)} {day.year}"


def format_span(start: dt.date, end: dt.date) -> str:
    """Return the days of [start, end) as ``1 Jul – 30 Sep 2026``; one day as that day alone."""
    last = end - dt.timedelta(days=1)
    if last <= start:
        return format_date(start)
    first_text = _day_and_month(start) if start.year == last.year else format_date(start)
    return f"{first_text} – {format_date(last)}"


def format_bytes(size: float) -> str:
    """Return a size in bytes as ``1.2 MB``."""
    for factor, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= factor * 0.99995:  # what rounds up to the next unit is written in it
            return f"{size / factor:.1f} {name}"
    return f"{size:.0f} B"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return a count with its noun: ``1 row``, ``1,204 rows``."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def _scaled(amount: float) -> str:
    # 999,950 would read "1000 k": what rounds up to the next scale is written in it.
    reached = (scale for scale in _SCALES if amount >= scale[0] * 0.9995)
    factor, suffix = next(reached, _SCALES[-1])
    scaled = amount / factor
    digits = 0 if scaled >= 99.95 else 1 if scaled >= 9.995 else 2
    return f"{scaled:,.{digits}f} {suffix}"


def _digits(value: float, *, fine: int, coarse: int, limit: float) -> int:
    """Return ``fine`` digits for what reads below ``limit`` with them, else ``coarse``."""
    return fine if round(abs(value), fine) < limit else coarse


def _share_digits(value: float) -> int:
    return _digits(100 * value, fine=2, coarse=1, limit=10)


def _day_and_month(day: dt.date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def _number(value: float, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and not _is_zero(text) else text


def _with_sign(value: float, text: str) -> str:
    if _is_zero(text):
        return f"±{text}"
    return f"{'+' if value > 0 else MINUS}{text}"


def _is_zero(text: str) -> bool:
    digits = [char for char in text if char.isdigit()]
    return all(char == "0" for char in digits)
