"""Queries as a page prints them: as short as they can be and still run."""

import re

_BARE = re.compile(r'(?:(?:"[^"]+"\.)?"[^"]+"|\d+),?')  # a column or a position, and nothing else


def fold_columns(query: str, *, width: int = 48) -> str:
    """Return a formatted query with runs of bare columns on lines of up to ``width`` characters.

    A formatter gives each column a line of its own, so that a list of columns handed up through
    five levels fills a page and says nothing. Only white space changes.

    Args:
        query: SQL with a column to a line.
        width: Most characters of a line that is made; the PDF sets queries in three columns.
    """
    lines: list[str] = []
    for line in query.splitlines():
        text = line.strip()
        if lines and _BARE.fullmatch(text):
            above = lines[-1]
            alike = len(above) - len(above.lstrip()) == len(line) - len(line.lstrip())
            parts = above.strip().split(", ")
            listed = above.endswith(",") and all(_BARE.fullmatch(part) for part in parts)
            if alike and listed and len(above) + 1 + len(text) <= width:
                lines[-1] = f"{above} {text}"
                continue
        lines.append(line)
    return "\n".join(lines)
