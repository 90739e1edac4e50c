"""Secrets: read from the environment when a connection opens, and masked in whatever is printed."""

import os
import re
from urllib.parse import unquote

from kpikit.errors import ParamsError

MASK = "***"
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Up to the last @ before the path; a password with a raw slash is no URL, yet is a secret.
_USER_INFO = re.compile(
    r"(?P<before>\b[A-Za-z][A-Za-z0-9+.-]{0,40}://[^\s/:@]*:)"
    r"(?P<secret>[^\s/]+|(?![0-9]+/)[^\s?]+)(?=@)"
)
_PARAMETER = re.compile(
    r"(?P<before>\b\w*(?:password|passwd|pwd|secret|token|credential|signature|api_?key|"
    r"access_?key|private_?key|account_?key)\s*=\s*)"
    r"(?P<secret>'[^']*'|\"[^\"]*\"|\{[^}]*\}|[^\s&;,'\"]+)",
    re.IGNORECASE,
)
_SHORT = 4

# Names that connections of this process refer to; only their values are masked by value.
_referenced: set[str] = set()


def expand_secrets(text: str) -> str:
    """Return ``text`` with every ``${NAME}`` replaced by the environment's value.

    Raises:
        ParamsError: A variable is not set or empty; the message names it, and shows no value.
    """
    note_references(text)

    def value_of(match: re.Match[str]) -> str:
        value = os.environ.get(match[1], "")
        if not value:
            raise ParamsError(
                f"Environment variable '{match[1]}' is not set; source.connection refers to it.\n"
                f"Set it in the shell that runs this: export {match[1]}=..."
            )
        return value

    return _REFERENCE.sub(value_of, text)


def mask_secrets(text: str) -> str:
    """Return ``text`` with secrets as ``***``: for messages, logs and outputs.

    Masked are the password in a URL, values of parameters such as ``token=``, and the values of
    the environment variables that a loaded product refers to, with the passwords inside them.
    """
    for value in _secret_values():
        # A very short value is masked as a word of its own alone, or it would riddle the text.
        pattern = re.escape(value) if len(value) >= _SHORT else rf"\b{re.escape(value)}\b"
        text = re.sub(pattern, MASK, text)
    for secret in (_USER_INFO, _PARAMETER):
        text = secret.sub(rf"\g<before>{MASK}", text)
    return text


def note_references(text: str) -> None:
    """Remember the variables that a connection refers to, so that their values can be masked."""
    _referenced.update(_REFERENCE.findall(text))


def malformed_reference(text: str) -> bool:
    """Tell whether ``text`` has a ``${`` that is no ``${NAME}``."""
    return "${" in _REFERENCE.sub("", text)


def find_password(text: str) -> bool:
    """Tell whether ``text`` holds a password in clear, rather than as ``${NAME}``."""
    matches = [*_USER_INFO.finditer(text), *_PARAMETER.finditer(text)]
    return any(not _REFERENCE.search(match["secret"]) for match in matches)


def shown_variable(text: str) -> str:
    """Return the variable whose value, or a password in it, stands in ``text``; empty if none.

    Looked for are the variables that connections of this process refer to; a value of fewer than
    four characters may stand anywhere by chance, and is not.
    """
    for name in sorted(_referenced):
        if any(len(form) >= _SHORT and form in text for form in _forms(os.environ.get(name, ""))):
            return name
    return ""


def _secret_values() -> list[str]:
    """Return what to mask, longest first, so that no value hides a part of a longer one."""
    values = {form for name in _referenced for form in _forms(os.environ.get(name, ""))}
    return sorted(values, key=lambda value: (-len(value), value))


def _forms(value: str) -> set[str]:
    """Return a variable's value and the passwords inside it, as written and as meant."""
    if not value:
        return set()
    inner = {
        match["secret"] for pattern in (_USER_INFO, _PARAMETER) for match in pattern.finditer(value)
    }
    return {value} | inner | {unquote(secret) for secret in inner}
