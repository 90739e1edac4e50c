"""Writes frames as files whose bytes depend on the rows alone: no clock, no path."""

import datetime as dt
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

_EXCEL_EPOCH = pd.Timestamp(1899, 12, 30)
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def write_tables(
    tables: Mapping[str, pd.DataFrame], names: Mapping[str, str], folder: Path
) -> list[str]:
    """Write each table into the file of its name; return the names of the files.

    A name with ``{year}`` becomes a file per year of the table's index, which is no column.
    """
    written = []
    for table, name in names.items():
        frame = tables[table]
        parts = {name: frame}
        if "{year}" in name:
            parts = {name.format(year=year): part for year, part in frame.groupby(level=0)}
        for part_name, part in parts.items():
            write_table(part, folder / part_name)
            written.append(part_name)
    return written


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write ``frame`` in the format that the name of ``path`` ends in.

    Formats: ``.parquet``, ``.csv``, ``.csv.gz``, ``.jsonl`` and ``.xlsx``. A CSV whose name ends in
    ``.de.csv`` has the semicolons and the encoding of German exports.

    Raises:
        ValueError: No such format.
    """
    name = path.name
    if name.endswith(".parquet"):
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
        pq.write_table(table, path, compression="zstd")
    elif name.endswith((".csv", ".csv.gz")):
        gzip = {"method": "gzip", "mtime": 0} if name.endswith(".gz") else None
        mark, encoding = (";", "cp1252") if name.endswith(".de.csv") else (",", "utf-8")
        frame.to_csv(
            path, sep=mark, index=False, lineterminator="\n", compression=gzip, encoding=encoding
        )
    elif name.endswith(".jsonl"):
        text = frame.to_json(
            orient="records", lines=True, date_format="iso", date_unit="s", force_ascii=False
        )
        path.write_text(text, encoding="utf-8", newline="\n")
    elif name.endswith(".xlsx"):
        path.write_bytes(_workbook(frame))
    else:
        raise ValueError(
            f"'{name}' ends in no format that is written here.\n"
            "Name it .parquet, .csv, .csv.gz, .jsonl or .xlsx."
        )


def _workbook(frame: pd.DataFrame) -> bytes:
    """Return the smallest Excel workbook that holds the frame in one sheet, dates as dates."""
    rows = [frame.columns.tolist(), *frame.astype(object).itertuples(index=False)]
    sheet = "".join(f"<row>{''.join(_cell(value) for value in row)}</row>" for row in rows)
    parts = {**_WORKBOOK_PARTS, "xl/worksheets/sheet1.xml": _SHEET.format(sheet)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, date_time=_ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}')
    return buffer.getvalue()


def _cell(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT alone differ from themselves
        return "<c/>"
    if isinstance(value, dt.date):
        return f'<c s="1"><v>{(pd.Timestamp(value) - _EXCEL_EPOCH).days}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SHEET = f'<worksheet xmlns="{_MAIN}"><sheetData>{{}}</sheetData></worksheet>'
_WORKBOOK_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
        "</Types>"
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>"
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Export" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="r2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1">'
        '<fill><patternFill patternType="none"/></fill></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="2"><xf/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>'
    ),
}
