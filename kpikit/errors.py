"""The errors of kpikit, and the one helper that words a hint.

Every message has three parts: what is wrong, where, and what to do. Mistakes that a user can mend
derive from ``KpikitError``; the command line prints their message alone.
"""

import difflib
import html
import traceback
from collections.abc import Iterable


class KpikitError(Exception):
    """A mistake that the user can mend; the message says how."""

    _is_folded = False  # whether its traceback is shown: a kernel asks for it twice

    def _render_traceback_(self) -> list[str]:
        """Return what IPython prints: the message alone, where a page can fold the traceback away.

        In a run that nobody looks at the traceback stands in full, for whoever mends it.
        """
        from IPython import get_ipython  # noqa: PLC0415 - only IPython calls this
        from IPython.display import HTML, display  # noqa: PLC0415 - as above

        shell = get_ipython()
        kernel = getattr(shell, "kernel", None)
        request = kernel.get_parent("shell") if kernel is not None else None
        if not (request or {}).get("metadata", {}).get("cellId"):
            lines = traceback.format_exception(self)
            return "".join(lines).splitlines()
        if not self._is_folded:
            self._is_folded = True
            whole = html.escape("".join(traceback.format_exception(self)))
            folded = HTML(f"<details><summary>Traceback</summary><pre>{whole}</pre></details>")  # type: ignore[no-untyped-call]
            display(folded)  # type: ignore[no-untyped-call]
        return [f"{type(self).__name__}: {self}"]


class ParamsError(KpikitError, ValueError):
    """A product's parameter file is wrong."""


class SourceError(KpikitError, ValueError):
    """Data cannot be opened or read as the parameters say."""


class DataQualityError(KpikitError, ValueError):
    """Data was read, and a check declared as an error found a fault in it."""


class PeriodError(KpikitError, ValueError):
    """A period's text cannot be read, or the period has no data."""


class UnknownNameError(KpikitError, LookupError):
    """A name is not among those defined."""


class AnalysisError(KpikitError, ValueError):
    """An analysis was asked for something that it cannot compute."""


class TemplateError(KpikitError, ValueError):
    """A template notebook cannot be run as it is."""


class SealError(KpikitError):
    """A run is not proven whole, so its report is not published."""


class RenderError(KpikitError):
    """An executed notebook cannot be written as HTML or PDF."""


def nearest_names(
    name: str, choices: Iterable[str], *, most: int = 3, cutoff: float = 0.6
) -> list[str]:
    """Return the choices that look most like ``name``, best first, upper and lower case alike.

    Args:
        name: What the user wrote.
        choices: The names that exist.
        most: Greatest number of names returned.
        cutoff: Least likeness, from 0 (nothing in common) to 1 (equal).
    """
    by_folded = {choice.casefold(): choice for choice in choices}
    folded = str(name).casefold()  # whatever was given where a name belongs
    found = difflib.get_close_matches(folded, by_folded, n=len(by_folded) or 1, cutoff=cutoff)
    # letters in the wrong order are the commonest slip: GPB is GBP rather than PAB
    found.sort(key=lambda near: sorted(near) != sorted(folded))
    return [by_folded[near] for near in found[:most]]


def hint_names(name: str, choices: Iterable[str], *, label: str = "Defined") -> str:
    """Return the second line of a message on an unknown name.

    Args:
        name: What the user wrote.
        choices: The names that exist.
        label: The word before the list.

    Returns:
        ``Did you mean 'wau'? Defined: mau, wau.``; without the question where nothing is near.
    """
    names = sorted(set(choices))
    nearest = nearest_names(name, names, most=1)
    question = f"Did you mean '{nearest[0]}'? " if nearest else ""
    shown = ", ".join(names) if names else "none"
    return f"{question}{label}: {shown}."


def unknown_name(kind: str, name: str, where: str, choices: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that is not defined.

    Args:
        kind: What is named, such as ``metric``.
        name: What the user wrote.
        where: The file and key, or the call, in which it stands.
        choices: The names that exist.
    """
    return UnknownNameError(f"Unknown {kind} '{name}' in {where}.\n{hint_names(name, choices)}")


def check_choice(name: str, value: object, choices: Iterable[str], where: str) -> None:
    """Raise unless ``value`` is one of ``choices``.

    Args:
        name: The argument.
        value: What was given for it.
        choices: What it may be.
        where: The function, as the caller knows it.

    Raises:
        AnalysisError: It is none of them; the message names the nearest.
    """
    allowed = list(choices)
    if value not in allowed:
        hint = hint_names(str(value), allowed, label="Choices")
        raise AnalysisError(f"{name} is '{value}' in {where}.\n{hint}")


def column_names(name: str, given: object, where: str) -> tuple[str, ...]:
    """Return columns that are given as one name or several.

    Args:
        name: The argument.
        given: What was given for it.
        where: The function, as the caller knows it.

    Raises:
        AnalysisError: It is neither text nor a sequence of texts.
    """
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable) or not all(isinstance(one, str) for one in given):
        raise AnalysisError(f"{name} is {given!r} in {where}.\nGive a column's name, or several.")
    return tuple(given)
