"""The controls of an exploring page, as ipywidgets. They show and listen; they compute nothing."""

import html
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as widgets
import pandas as pd

from kpikit.present.components import Component
from kpikit.present.html import ASSETS, component_html, minified, style

LABELS: Mapping[str, str] = {  # in their order on the page
    "section": "Show",
    "product": "Product",
    "period": "Period",
    "experiment": "Experiment",
    "metric": "Metric",
    "funnel": "Funnel",
    "window": "Window",
    "order": "Steps",
    "grain": "Grain",
    "by": "Break down by",
    "comparison": "Against",
    "column": "Only where",
    "value": "is",
    "steps": "Order of steps",
}
_FIRST = ("section", "product", "period")
_TEXTS = {"window": "7d, 12h, 30m", "value": "type or choose"}
_MOST_EXHIBITS = 4
_TAG = re.compile(r"<[^>]*>")
_NO_SEGMENT = ("everything", "")


@dataclass(frozen=True)
class Shown:
    """One chart or table on the page.

    Attributes:
        component: What is drawn.
        frame: The numbers behind it, for the clipboard.
        pick: Column of which a row of the table is a value that can be chosen; else empty.
    """

    component: Component
    frame: pd.DataFrame
    pick: str = ""


@dataclass
class Page:
    """All widgets of one page.

    Attributes:
        box: What is displayed.
        change: Called with the name of a control and its new value, when a user moves it.
        act: Called with the name of a button: ``cancel``, ``keep_cell``, ``keep_file``, ``again``.
        tell_sql: Called with the position of an exhibit whose SQL is asked for.
        pick: Called with a column and a value chosen in a table.
    """

    change: Callable[[str, Any], None]
    act: Callable[[str], None]
    tell_sql: Callable[[int], None]
    pick: Callable[[str, str], None]
    controls: dict[str, Any] = field(default_factory=dict)
    buttons: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the widgets, with nothing to choose yet."""
        self._setter: int | None = None  # thread that sets the controls, which no user has moved
        for name in LABELS:
            self.controls[name] = _control(name)
            self.controls[name].observe(self._observer(name), names="value")
        for name, label, hint in (
            ("cancel", "Cancel", "Stop computing; what was shown stays"),
            ("keep_cell", "Keep in the notebook", "Write this view as a cell of the notebook"),
            ("keep_file", "Keep in the product's file", "Every report of the product shows it"),
            ("again", "Read the data again", "Open the data anew"),
        ):
            button = widgets.Button(description=label, tooltip=hint, layout={"width": "auto"})
            button.on_click(lambda _, name=name: self.act(name))
            self.buttons[name] = button
        self.buttons["cancel"].layout.display = "none"
        self._picked = widgets.Text()
        self._picked.add_class("kk-pick")
        self._picked.observe(self._on_pick, names="value")
        self._status = widgets.HTML(_status_html(""))
        self._slots = [_Slot(index, self.tell_sql) for index in range(_MOST_EXHIBITS)]
        self.box = self._laid_out()

    def _laid_out(self) -> Any:
        """Return the page: what is shown of what, its settings, the exhibits, the keeping."""
        first = widgets.HBox([self.controls[name] for name in _FIRST])
        rest = widgets.HBox([one for name, one in self.controls.items() if name not in _FIRST])
        for row in (first, rest):
            row.add_class("kk-controls")
        status = widgets.HBox([self._status, self.buttons["cancel"]])
        keeping = widgets.HBox([self.buttons[name] for name in ("keep_cell", "keep_file", "again")])
        keeping.add_class("kk-keeping")
        sheet = widgets.HTML(f"<style>{style()}{_style()}</style>")
        sheet.layout.display = "none"
        slots = [slot.box for slot in self._slots]
        box = widgets.VBox([sheet, first, rest, self._picked, status, *slots, keeping])
        box.add_class("kk-explore")
        return box

    def set_controls(
        self, values: Mapping[str, Any], options: Mapping[str, Sequence[tuple[str, str]]]
    ) -> None:
        """Show the controls that have options, with these values; nobody is told of a change.

        Args:
            values: Control to value.
            options: Control to pairs of label and value; a control without is hidden.
        """
        self._setter = threading.get_ident()
        try:
            for name, control in self.controls.items():
                offered = list(options.get(name, ()))
                # a hidden control keeps its place in the order of the tab key, but takes no focus
                control.layout.display = None if offered else "none"
                if offered:
                    _set(control, name, values.get(name), offered)
        finally:
            self._setter = None

    def show(self, exhibits: Sequence[Shown]) -> None:
        """Show charts and tables in place of those shown before."""
        for slot, exhibit in zip(self._slots, [*exhibits, *[None] * _MOST_EXHIBITS], strict=False):
            slot.show(exhibit)

    def fade(self, *, faded: bool) -> None:
        """Show, or no longer show, that what stands there is of an earlier choice."""
        for slot in self._slots:
            (slot.box.add_class if faded else slot.box.remove_class)("kk-stale")

    def show_sql(self, index: int, text: str) -> None:
        """Show the queries of an exhibit; empty text hides them."""
        self._slots[index].show_sql(text)

    def tell(self, text: str, *, line: bool = False, busy: bool = False) -> None:
        """Say something above the exhibits.

        Args:
            text: What; empty for nothing.
            line: It is what to do about a choice that cannot be shown.
            busy: Something is being computed, and can be cancelled.
        """
        self._status.value = _status_html(text, line=line, busy=busy)
        self.buttons["cancel"].layout.display = None if busy else "none"

    @property
    def status(self) -> str:
        """What is said above the exhibits, as text."""
        return html.unescape(_TAG.sub("", self._status.value))

    @property
    def exhibits(self) -> list[str]:
        """The HTML of what is shown."""
        return [slot.html for slot in self._slots if slot.html]

    def _observer(self, name: str) -> Callable[[Any], None]:
        def observe(change: Any) -> None:
            if self._setter != threading.get_ident():
                self.change(name, change["new"])

        return observe

    def _on_pick(self, change: Any) -> None:
        if change["new"]:
            column, value = json.loads(change["new"])
            self._picked.value = ""
            self.pick(column, value)


class _Slot:
    """The place of one exhibit, with its tools."""

    def __init__(self, index: int, tell_sql: Callable[[int], None]) -> None:
        self._picture = widgets.HTML()
        self._copy = widgets.HTML()
        self._sql = widgets.HTML()
        self._button = widgets.ToggleButton(
            description="Show the SQL", layout={"width": "auto"}, tooltip="The queries behind it"
        )
        self._button.observe(lambda change: self._toggle(tell_sql, index, change), names="value")
        tools = widgets.HBox([self._copy, self._button])
        tools.add_class("kk-tools")
        self.box = widgets.VBox([self._picture, tools, self._sql])
        self.box.add_class("kk-exhibit")
        self.box.layout.display = "none"

    def show(self, exhibit: Shown | None) -> None:
        self.box.layout.display = "none" if exhibit is None else None
        self._button.value = False
        self._sql.value = ""
        if exhibit is None:
            self._picture.value = self._copy.value = ""
            return
        picture = component_html(exhibit.component)
        if exhibit.pick:
            column = html.escape(exhibit.pick, quote=True)
            picture = f'<div data-kk-pick="{column}">{picture}</div>'
        self._picture.value = picture
        self._copy.value = _copy_html(exhibit.frame)

    @property
    def html(self) -> str:
        """What is shown in this place; nothing where it is free."""
        return "".join((self._picture.value, self._copy.value, self._sql.value))

    def show_sql(self, text: str) -> None:
        body = html.escape(text)
        shown = f'<div class="kk"><div class="kk-listing"><pre tabindex="0"><code>{body}</code>'
        self._sql.value = f"{shown}</pre></div></div>" if text else ""

    def _toggle(self, tell_sql: Callable[[int], None], index: int, change: Any) -> None:
        self._button.description = "Hide the SQL" if change["new"] else "Show the SQL"
        if change["new"]:
            tell_sql(index)
        else:
            self.show_sql("")


def _control(name: str) -> Any:
    label = LABELS[name]
    options = {"description": label, "style": {"description_width": "auto"}}
    if name == "steps":
        box = widgets.TagsInput(allow_duplicates=False, tooltip=label)
        box.layout = {"width": "100%"}
        return box
    if name == "value":
        return widgets.Combobox(
            placeholder=_TEXTS[name], continuous_update=False, layout={"width": "210px"}, **options
        )
    if name == "window":
        return widgets.Text(
            placeholder=_TEXTS[name], continuous_update=False, layout={"width": "150px"}, **options
        )
    return widgets.Dropdown(options=[("", "")], layout={"width": "auto"}, **options)


def _set(control: Any, name: str, value: Any, offered: list[tuple[str, str]]) -> None:
    if name == "steps":
        control.allowed_tags = [each for _, each in offered]
        control.value = list(value or [])
    elif name == "value":
        choices = [each for _, each in offered]
        control.options = choices
        control.value = str(value or "")
    elif name == "window":
        control.value = str(value or "")
    else:
        pairs = offered if name != "column" else [_NO_SEGMENT, *offered]
        if value not in [each for _, each in pairs]:
            pairs = [*pairs, (str(value), value)] if value else pairs
        if tuple(pairs) != tuple(control.options):
            control.options = tuple(pairs)
        control.value = value if value is not None else pairs[0][1]


def _copy_html(frame: pd.DataFrame) -> str:
    """Return the button that copies a frame, with the frame; columns of lists are left out."""
    flat = [name for name in frame if not frame[name].map(lambda v: isinstance(v, list)).any()]
    text = html.escape(frame[flat].to_csv(index=False))
    button = '<button type="button" class="kk-button" data-kk-copy>Copy as CSV</button>'
    return f'<div class="kk">{button}<template>{text}</template></div>'


def _status_html(text: str, *, line: bool = False, busy: bool = False) -> str:
    mark = '<span class="kk-busy" aria-hidden="true"></span>' if busy else ""
    kind = "kk-status-line kk-is-line" if line else "kk-status-line"
    body = f"{mark}{html.escape(text)}"
    return (
        f'<div class="kk"><div class="{kind}" role="status" aria-live="polite">{body}</div></div>'
    )


def _style() -> str:
    return minified((ASSETS / "explore.css").read_text(encoding="utf-8"))
