"""What ``kpikit check`` says of one product: what its data holds, and what was found in it."""

import datetime as dt
from typing import TYPE_CHECKING

from kpikit.errors import KpikitError
from kpikit.publish.summary import indented

if TYPE_CHECKING:
    from kpikit.params import LoadedProduct


def check_product(loaded: "LoadedProduct") -> tuple[list[str], bool]:
    """Return the lines on a product's data, and whether a report can be built on it."""
    from kpikit.analysis.metrics import check_metrics  # noqa: PLC0415 - Ibis loads slowly
    from kpikit.catalogue import scorecard_metrics, unknown_segments  # noqa: PLC0415 - as above
    from kpikit.formats import format_span, plural  # noqa: PLC0415 - as above
    from kpikit.params import mask_secrets  # noqa: PLC0415 - pydantic loads slowly
    from kpikit.sources import check_funnel_events, open_dataset  # noqa: PLC0415 - Ibis loads slowly

    try:
        dataset = open_dataset(loaded)
        metrics = scorecard_metrics(loaded, dataset.tables)
        check_funnel_events(loaded, dataset.tables)
        check_metrics(dataset.tables, metrics, calendar=loaded.calendar, params=loaded.params)
    except KpikitError as error:
        return [f"{loaded.key}: FAILED\n{indented(mask_secrets(str(error)))}"], False
    rows = sum(item.rows for item in dataset.inputs)
    span = format_span(dataset.first_day, dataset.as_of + dt.timedelta(days=1))
    tables = plural(len(dataset.tables), "table")
    lines = [f"{loaded.key}: {tables}, {plural(rows, 'row')}, {span}"]
    for finding in dataset.findings:
        place = ".".join(part for part in (finding.table, finding.column) if part)
        examples = f" ({', '.join(finding.examples)})" if finding.examples else ""
        message = mask_secrets(f"{finding.message}{examples}")
        lines.append(f"  {finding.severity:<9} {place}: {message}")
    lines += [
        f"  {'warning':<9} {sentence}"
        for sentence in unknown_segments(loaded.params.segments, dataset.tables)
    ]
    return lines, all(finding.severity != "error" for finding in dataset.findings)
