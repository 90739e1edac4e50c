"""run.json of shards: the same whether they share a folder or are copied together afterwards."""

import errno
import json
import os
import shutil

import pytest

from kpikit.errors import KpikitError
from kpikit.publish import overview
from kpikit.publish.overview import merged, overview_lines, rebuild_overview, write_overview
from kpikit.publish.shards import Shard


def part(number, *products, count=3, code=0, started="2026-11-21T10:00:00+00:00", **changes):
    return {
        "template": "mini",
        "shard": {"number": number, "count": count},
        "started": started,
        "kpikit": "1.0",
        "python": "3.11",
        "libraries": {},
        "params_git": None,
        "seconds": float(number),
        "exit_code": code,
        "reports": [{"product": key, "template": "mini", "state": "sealed"} for key in products],
        "not_planned": [],
        "left_out": [],
        **changes,
    }


def read(folder, name="run.json"):
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_shards_in_one_folder_make_one_manifest(tmp_path):
    write_overview(tmp_path, part(2, "beacon"), Shard(2, 3))
    write_overview(tmp_path, part(1, "comet", "atlas"), Shard(1, 3))

    run = read(tmp_path)

    assert [report["product"] for report in run["reports"]] == ["atlas", "beacon", "comet"]
    assert [(each["number"], each["seconds"]) for each in run["shards"]] == [(1, 1.0), (2, 2.0)]
    assert (run["missing_shards"], run["seconds"], run["exit_code"]) == ([3], 2.0, 0)
    assert "shard" not in run
    assert read(tmp_path, "run-2-of-3.json") == part(2, "beacon")
    assert (tmp_path / "index.html").is_file()


def test_folders_copied_together_give_the_same(tmp_path):
    for number, products in ((1, ["comet", "atlas"]), (2, ["beacon"]), (3, [])):
        own = tmp_path / str(number)
        own.mkdir()
        write_overview(own, part(number, *products), Shard(number, 3))
        write_overview_in = tmp_path / "shared"
        write_overview_in.mkdir(exist_ok=True)
        write_overview(write_overview_in, part(number, *products), Shard(number, 3))
        shutil.copytree(own, tmp_path / "together", dirs_exist_ok=True)

    run = rebuild_overview(tmp_path / "together")

    assert run == read(tmp_path / "together") == read(tmp_path / "shared")
    assert run["missing_shards"] == []


def test_what_is_of_another_division_or_a_whole_run_is_over(tmp_path):
    write_overview(tmp_path, part(1, "atlas", count=2), Shard(1, 2))
    write_overview(tmp_path, part(1, "atlas"), Shard(1, 3))
    after_shard = sorted(path.name for path in tmp_path.glob("run*"))
    write_overview(tmp_path, {"reports": []})

    assert after_shard == ["run-1-of-3.json", "run.json"]
    assert [path.name for path in tmp_path.glob("run*")] == ["run.json"]


def test_of_several_runs_copied_together_the_one_that_began_last_counts(tmp_path):
    early = part(1, "atlas", started="2026-11-20T10:00:00+00:00")
    late = part(1, "beacon", count=2)
    for content in (early, late):
        name = Shard(**content["shard"]).manifest_name
        (tmp_path / name).write_text(json.dumps(content))
    for name, text in (("run-2-of-3.json", "{"), ("run-3-of-3.json", "[]")):
        (tmp_path / name).write_text(text)

    run = rebuild_overview(tmp_path)

    assert [report["product"] for report in run["reports"]] == ["beacon"]
    assert run["missing_shards"] == [2]


@pytest.mark.parametrize(
    ("codes", "whole"),
    [((0, 0), 0), ((0, 1), 1), ((2, 2), 2), ((0, 2), 1), ((1, 130), 130), ((0, 143), 143)],
)
def test_the_exit_code_is_that_of_the_worst_shard_unless_nothing_ran_at_all(codes, whole):
    parts = [part(number, code=code, count=2) for number, code in enumerate(codes, start=1)]

    assert merged(parts)["exit_code"] == whole


def test_the_lines_name_what_is_missing(tmp_path):
    run = merged([part(2, "atlas"), part(3, "beacon")])

    assert overview_lines(tmp_path, run) == [
        f"All reports: {tmp_path}/index.html",
        "Last run: 2 of 2 reports sealed in 2 shards.",
        "Missing: 1/3.",
    ]
    assert overview_lines(tmp_path, None) == [f"All reports: {tmp_path}/index.html"]


def test_without_shards_run_json_stays_as_it_is(tmp_path):
    empty = rebuild_overview(tmp_path)
    (tmp_path / "run.json").write_text('{"reports": []}')

    assert (empty, rebuild_overview(tmp_path)) == (None, {"reports": []})


def test_a_folder_that_is_missing_or_cannot_be_written_is_told(tmp_path, monkeypatch):
    def write_index(_folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(KpikitError, match=r"^There is no folder .*/absent\.\nName the folder"):
        rebuild_overview(tmp_path / "absent")
    monkeypatch.setattr(overview, "write_index", write_index)
    with pytest.raises(KpikitError, match=r"could not be written: .* No space left on device"):
        rebuild_overview(tmp_path)
