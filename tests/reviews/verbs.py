"""Finds what sentences say that a KPI did, and where two of them disagree."""

import re
from collections.abc import Iterable

MOVES = (
    "rose", "fell", "held", "grew", "shrank", "dropped", "declined", "climbed", "jumped", "slid",
    "increased", "decreased", "improved", "worsened", "recovered",
)  # fmt: skip
_MORE = re.compile(r"(?<!no )more than sampling error")
_END = r"(?![.;:] |\) )"  # a clause ends there, and with it what is said of the KPI


def moves_of(sentences: Iterable[str], labels: Iterable[str]) -> dict[str, set[str]]:
    """Return the verbs of movement that sentences have for each KPI.

    Args:
        sentences: Those of a whole review.
        labels: Names of the KPIs; at a place where several fit, the longest counts.
    """
    names = sorted(labels, key=len, reverse=True)
    known = "|".join(re.escape(name) for name in names)
    said = re.compile(
        rf"\b(?P<label>{known})\b(?:{_END}(?!\b(?:{known})\b).){{0,40}}?\b(?P<verb>{'|'.join(MOVES)})\b",
        re.IGNORECASE,
    )
    by_name = {name.lower(): name for name in names}
    found: dict[str, set[str]] = {}
    for sentence in sentences:
        for match in said.finditer(sentence):
            label = by_name[match["label"].lower()]
            found.setdefault(label, set()).add(match["verb"].lower())
    return found


def contradictions(sentences: Iterable[str], labels: Iterable[str]) -> list[str]:
    """Return a line per KPI of which a review says two things.

    That is two verbs, or that it held while a change of it is more than sampling error.
    """
    told, names = list(sentences), list(labels)
    lines = []
    for label, verbs in moves_of(told, names).items():
        if len(verbs) > 1:
            lines.append(f"{label}: {' and '.join(sorted(verbs))}")
        clear = [text for text in told if text.startswith(f"{label} ") and _MORE.search(text)]
        lines += [f"{label}: held, but '{text}'" for text in clear if "held" in verbs]
    return lines
