"""Commands beside the runs: what was published, how two runs differ, a notebook of one's own."""

from pathlib import Path
from typing import Annotated

import typer

OutputDir = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the reports.")]
_OUTPUT, _OWN, _PARAMS = Path("output"), Path("analyses"), Path("params")


def history(
    metric: Annotated[str, typer.Argument(help="Name of the KPI.")],
    *,
    product: Annotated[str, typer.Option(metavar="KEY", help="The product's key.")],
    output_dir: OutputDir = _OUTPUT,
) -> None:
    """Show every value of a KPI that was ever published, and which were restated.

    Exit code 0: shown. 2: nothing was published of it.
    """
    from kpikit.errors import KpikitError  # noqa: PLC0415
    from kpikit.publish.history import (  # noqa: PLC0415
        column_lines,
        history_rows,
        open_ledger,
        unreadable_note,
    )

    ledger = open_ledger(output_dir, product=product)
    if ledger.kpis.empty:
        raise KpikitError(
            f"Nothing of '{product}' was published in {output_dir}.\n"
            "Name the product's key and the folder of its reports: --product, --output-dir."
        )
    for line in column_lines(history_rows(ledger, metric)):
        typer.echo(line)
    if note := unreadable_note(ledger):
        typer.echo(note, err=True)


def diff(
    run: Annotated[str, typer.Argument(help="Run id, or its beginning.")],
    other: Annotated[str, typer.Argument(help="The run to compare it with.")],
    *,
    output_dir: OutputDir = _OUTPUT,
) -> None:
    """Show which KPIs two runs published with different values.

    Exit code 0: shown. 2: a run is not in the ledger.
    """
    from kpikit.publish.history import (  # noqa: PLC0415
        column_lines,
        diff_rows,
        open_ledger,
        unreadable_note,
    )

    ledger = open_ledger(output_dir)
    rows, summary = diff_rows(ledger, run, other)
    if len(rows) > 1:
        for line in column_lines(rows):
            typer.echo(line)
    typer.echo(summary)
    if note := unreadable_note(ledger):
        typer.echo(note, err=True)


def new(
    name: Annotated[str, typer.Argument(help="Name of the notebook, such as churn_by_plan.")],
    *,
    product: Annotated[
        str | None, typer.Option(metavar="KEY", help="The product that it begins with.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of your own notebooks.")
    ] = _OWN,
    params_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the product files, <product>.yml.")
    ] = _PARAMS,
) -> None:
    """Write a blank notebook of your own, which kpikit run runs like the shipped ones.

    Exit code 0: written. 2: the name is taken, or cannot be used.
    """
    from kpikit.exploring.blank import new_notebook  # noqa: PLC0415

    path = new_notebook(name, folder=folder, product=product, params_dir=params_dir)
    typer.echo(f"Wrote {path}\nOpen it in JupyterLab, or run it: kpikit run {path}")
