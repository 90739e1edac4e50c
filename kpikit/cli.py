"""The command line: reads what was asked, calls, prints, and sets the exit code.

Everything heavy is imported inside the command that needs it, so that help and lists come at once.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

import kpikit
from kpikit.commands import diff, history, new
from kpikit.errors import KpikitError, hint_names

if TYPE_CHECKING:
    from kpikit.publish.messages import Format

_PARAMS, _NOTEBOOKS, _OUTPUT = Path("params"), Path("notebooks"), Path("output")
ALL_WELL, SOME_FAILED, NOTHING_RAN = 0, 1, 2
INTERRUPTED = 130


def _examples(*lines: str) -> str:
    """Return the end of a help text; the first character keeps click from filling the lines."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


app = typer.Typer(
    name="kpikit",
    help="KPI reports from one YAML file per product, sealed as HTML and PDF.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Products = Annotated[
    list[str] | None,
    typer.Option("--product", metavar="KEY", help="Only this product; may be repeated."),
]
ParamsDir = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of the product files, <product>.yml.")
]
NotebooksDir = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the templates.")]
OutputDir = Annotated[Path, typer.Option(metavar="DIR", help="Folder of the reports.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace a value of the product file for this call, such as "
        "product.owner='Ada'; may be repeated.",
    ),
]


@app.command(
    epilog=_examples(
        "kpikit run quarterly_review",
        "kpikit run quarterly_review --product atlas --period 2026Q3",
        "kpikit run my/own_review.ipynb --formats html --jobs 4",
        "kpikit run quarterly_review --explain",
        "kpikit run quarterly_review --shard 2/8 --junit reports.xml",
        "kpikit run quarterly_review --params-dir ../params --set product.owner='Ada'",
    )
)
def run(
    template: Annotated[
        str, typer.Argument(help="A notebook of --notebooks-dir by name, or a path to one.")
    ],
    *,
    product: Products = None,
    period: Annotated[
        str | None,
        typer.Option(
            help="Such as 2026Q3, 2026-07, 2026-W31; else the last complete fiscal quarter."
        ),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="One experiment; else every one that has begun."),
    ] = None,
    params_dir: ParamsDir = _PARAMS,
    notebooks_dir: NotebooksDir = _NOTEBOOKS,
    output_dir: OutputDir = _OUTPUT,
    formats: Annotated[
        str, typer.Option(metavar="LIST", help="Pages to write beside notebook and KPIs.")
    ] = "html,pdf",
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Reports at once; else one per processor.")
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Only the products of part I of N, from 1; a product stays in its."
        ),
    ] = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop everything at the first failure.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Longest time of a report; 0: no limit.")
    ] = 3600,
    cell_timeout: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Longest time of a cell; 0: no limit.")
    ] = 1800,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Most memory of a report, such as 2GiB, 0: no limit; else its share of the "
            "machine's.",
        ),
    ] = None,
    output_size: Annotated[
        str, typer.Option(metavar="SIZE", help="Most output of a report; 0: no limit.")
    ] = "128MiB",
    cell_output_size: Annotated[
        str, typer.Option(metavar="SIZE", help="Most output of a cell; 0: no limit.")
    ] = "32MiB",
    retries: Annotated[
        int, typer.Option(min=0, help="More attempts for a report whose kernel was lost.")
    ] = 1,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="Such attempts for any other failure too.")
    ] = False,
    overrides: Overrides = None,
    force: Annotated[bool, typer.Option("--force", help="Make unchanged reports too.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tell which reports would be made, and why; run none.")
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the outcome as JUnit XML there, for CI."),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Print where the time of each report goes.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but failures.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the outcome as JSON, all else on stderr.")
    ] = False,
) -> None:
    """Run a template for every product, and publish the reports that are proven whole.

    A report whose template, parameters, data, kpikit and lock are unchanged, and whose files
    are there, is not made again. One that fails leaves what was published before untouched,
    keeps a marked <template>.failed.ipynb, and stops no other.

    Exit code 0: all sealed. 1: some report failed. 2: nothing could run. 130: Ctrl-C.
    """
    from kpikit.publish.junit import check_junit_path, write_junit  # noqa: PLC0415
    from kpikit.publish.limits import Limits, parse_size  # noqa: PLC0415
    from kpikit.publish.plan import make_plan  # noqa: PLC0415
    from kpikit.publish.runner import run_plan, why_stale  # noqa: PLC0415
    from kpikit.publish.shards import parse_shard  # noqa: PLC0415
    from kpikit.publish.terminal import (  # noqa: PLC0415
        open_watcher,
        print_explanation,
        print_result,
    )
    from kpikit.publish.warming import WarmKernels  # noqa: PLC0415

    chosen = _formats(formats)
    if junit:
        check_junit_path(junit)
    limits = Limits(
        cell_seconds=cell_timeout,
        report_seconds=timeout,
        memory=None if memory is None else parse_size(memory),
        cell_output=parse_size(cell_output_size),
        report_output=parse_size(output_size),
        retries=retries,
        retry_errors=retry_errors,
    )
    with WarmKernels() as kernels:
        plan = make_plan(
            template,
            products=product or (),
            period=period,
            experiment=experiment,
            params_dir=params_dir,
            notebooks_dir=notebooks_dir,
            overrides=overrides or (),
            shard=parse_shard(shard) if shard is not None else None,
            output_dir=output_dir,
            on_unseen=None if explain else lambda text: kernels.start([text]),
        )
        if explain:
            stale = why_stale(plan, output_dir=output_dir, formats=chosen, force=force)
            raise typer.Exit(print_explanation(plan, stale, as_json=as_json))
        with open_watcher(plan, output_dir, jobs=jobs, quiet=quiet, to_stderr=as_json) as watcher:
            result = run_plan(
                plan,
                output_dir=output_dir,
                formats=chosen,
                jobs=jobs,
                fail_fast=fail_fast,
                limits=limits,
                force=force,
                profile=profile,
                watcher=watcher,
                kernels=kernels,
            )
    print_result(result, quiet=quiet, as_json=as_json, profile=profile)
    if junit:
        try:
            write_junit(junit, result)
        except OSError as error:
            raise KpikitError(f"{junit} could not be written: {error}.\nMake room.") from error
    raise typer.Exit(result.exit_code)


@app.command(
    epilog=_examples(
        "kpikit check",
        "kpikit check --product atlas --product beacon",
    )
)
def check(
    product: Products = None,
    params_dir: ParamsDir = _PARAMS,
    overrides: Overrides = None,
) -> None:
    """Validate parameters and data of the products; run nothing, write no report.

    Exit code 0: no errors. 1: some product has errors. 2: every product has.
    """
    from kpikit.publish.checking import check_product  # noqa: PLC0415
    from kpikit.publish.plan import choose_products  # noqa: PLC0415
    from kpikit.publish.summary import indented  # noqa: PLC0415

    loaded, failures = choose_products(params_dir, product or (), overrides=overrides or ())
    for failure in failures:
        typer.echo(f"{failure.product}: FAILED\n{indented(failure.message)}")
    bad, total = len(failures), len(loaded) + len(failures)
    for item in loaded:
        lines, is_good = check_product(item)
        bad += not is_good
        typer.echo("\n".join(lines))
    typer.echo(f"{total - bad} of {total} products can be reported.")
    raise typer.Exit(ALL_WELL if not bad else NOTHING_RAN if bad == total else SOME_FAILED)


@app.command(
    "list",
    epilog=_examples(
        "kpikit list --params-dir ../params",
    ),
)
def list_(params_dir: ParamsDir = _PARAMS, notebooks_dir: NotebooksDir = _NOTEBOOKS) -> None:
    """List products and templates; no data is opened and nothing is validated."""
    from kpikit.publish.listing import list_products, list_templates  # noqa: PLC0415

    rows = [("PRODUCT", "NAME", "STAGE", "TABLES")]
    for item in list_products(params_dir):
        tables = "cannot be read; see: kpikit check" if item.is_broken else ", ".join(item.tables)
        rows.append((item.key, item.name, item.stage, tables))
    _print_columns(rows)
    typer.echo("")
    _print_columns([("TEMPLATE",), *((name,) for name in list_templates(notebooks_dir))])


@app.command(
    epilog=_examples(
        "kpikit doctor",
    )
)
def doctor(
    params_dir: ParamsDir = _PARAMS,
    notebooks_dir: NotebooksDir = _NOTEBOOKS,
    output_dir: OutputDir = _OUTPUT,
) -> None:
    """Tell what is installed and found, what is missing, and what to type then.

    Exit code 0: all is there. 1: something is missing.
    """
    from kpikit.publish.doctor import examine  # noqa: PLC0415

    findings = examine(params_dir=params_dir, notebooks_dir=notebooks_dir, output_dir=output_dir)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "ok     " if finding.is_well else "MISSING"
        typer.echo(f"{mark}  {finding.name:<{width}}  {finding.detail}")
        if finding.remedy:
            typer.echo(f"         {'':<{width}}  type: {finding.remedy}")
    missing = sum(not finding.is_well for finding in findings)
    typer.echo(f"{missing} missing." if missing else "Nothing is missing.")
    raise typer.Exit(SOME_FAILED if missing else ALL_WELL)


@app.command(
    epilog=_examples(
        "kpikit schema --output params/schema.json",
    )
)
def schema(
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there instead of printing it.")
    ] = None,
) -> None:
    """Print the JSON schema of product files, which gives editors completion."""
    from kpikit.params import product_schema  # noqa: PLC0415
    from kpikit.publish.outputs import write_atomically  # noqa: PLC0415

    text = json.dumps(product_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        write_atomically(output, text)
    except OSError as error:
        raise KpikitError(
            f"The schema could not be written to {output}: {error.strerror}.\n"
            "Name a file in a folder that exists and can be written."
        ) from error
    typer.echo(f"Wrote {output}")


app.command(epilog=_examples("kpikit history mrr --product atlas"))(history)
app.command(epilog=_examples("kpikit diff 3f2a91 b07c44"))(diff)
app.command(epilog=_examples("kpikit new churn_by_plan --product atlas"))(new)


@app.command(
    epilog=_examples(
        "kpikit index output",
    )
)
def index(
    output_dir: Annotated[Path, typer.Argument(help="Folder of the reports.")] = _OUTPUT,
) -> None:
    """Make index.html and run.json of a folder again, such as one that shards were copied into.

    Exit code 0: all is sealed. 1: some report failed, or a shard is missing. 2: no such folder.
    """
    from kpikit.publish.overview import overview_lines, rebuild_overview  # noqa: PLC0415

    run = rebuild_overview(output_dir)
    for line in overview_lines(output_dir, run):
        typer.echo(line)
    is_whole = not run or (run["exit_code"] == ALL_WELL and not run.get("missing_shards"))
    raise typer.Exit(ALL_WELL if is_whole else SOME_FAILED)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kpikit {kpikit.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> NoReturn:
    """Run the command line; a mistake that the user can mend prints its message alone."""
    from kpikit.publish.interrupts import RunStopped  # noqa: PLC0415

    try:
        app()
    except KpikitError as error:
        typer.echo(f"{error}", err=True)
        sys.exit(NOTHING_RAN)
    except RunStopped as stop:
        sys.exit(stop.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit(ALL_WELL)


def _formats(text: str) -> "tuple[Format, ...]":
    from kpikit.publish.runner import FORMATS  # noqa: PLC0415

    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            raise KpikitError(f"Unknown format '{name}' in --formats.\n{hint_names(name, FORMATS)}")
    return tuple(form for form in FORMATS if form in names)


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
