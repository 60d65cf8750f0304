"""Files: what they hold, what is wrong with them, other types of tensors."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import trine
from conftest import FIXTURES, STORIES, document


def test_an_inspection_is_that_of_the_command(command: Path) -> None:
    for path in (STORIES, FIXTURES / "directories" / "bitnet"):
        said = document(command, "inspect", path, "--json")
        found = trine.inspect(path, values=True)
        assert found.bytes == said["bytes"] and found.problem is None
        assert found.model is not None and found.model.axes["hidden"] == said["model"]["hidden"]
        assert [tensor.name for tensor in found.tensors] == [tensor["name"] for tensor in said["tensors"]]
        for tensor, of in zip(found.tensors, said["tensors"]):
            assert (tensor.role, list(tensor.shape), tensor.type) == (of["role"], of["dims"], of["type"])
            assert (tensor.packing, tensor.zeros, tensor.rms) == (of["packing"], of["zeros"], of["rms"])
            assert len(tensor.dims) == len(of["axes"])
        keys = {key: entry["value"] for key, entry in said["metadata"].items()}
        assert found.metadata == keys
    query = trine.inspect(STORIES).tensor("blk.1.attn_q.weight")
    assert query.sizes == {"q_width": 256, "hidden": 256} and query.scale is None
    with pytest.raises(KeyError):
        trine.inspect(STORIES).tensor("nothing")


def rewritten(path: Path, output: Path, change: bytes, by: bytes) -> Path:
    """A copy with each occurrence of some bytes changed."""
    data = path.read_bytes()
    assert change in data and len(change) == len(by)
    output.write_bytes(data.replace(change, by))
    return output


def test_each_problem_of_a_file_is_an_object(tmp_path: Path) -> None:
    assert trine.check(STORIES) == trine.CheckReport(str(STORIES), True, (), ())
    renamed = rewritten(STORIES, tmp_path / "a.gguf", b"attn_q.weight", b"attn_x.weight")
    report = trine.check(renamed)
    assert not report.loads
    missing = [problem.tensor for problem in report.problems if problem.kind == "missing_tensor"]
    unknown = [problem.tensor for problem in report.problems if problem.kind == "unknown_tensor"]
    assert missing == [f"blk.{block}.attn_q.weight" for block in range(4)]
    assert unknown == [f"blk.{block}.attn_x.weight" for block in range(4)]
    assert all(problem.file == str(renamed) and str(renamed) in problem.message for problem in report.problems)
    keyless = rewritten(STORIES, tmp_path / "b.gguf", b"attention.head_count\x04", b"attention.head_kount\x04")
    (problem,) = trine.check(keyless).problems
    assert (problem.kind, problem.key) == ("description", "bitnet-b1.58.attention.head_count")
    with pytest.raises(trine.FileError, match=str(tmp_path)):
        trine.check(tmp_path)
    with pytest.raises(trine.FileError, match="head_count"):
        trine.Model(keyless)


def test_a_problem_is_told_as_the_command_tells_it(tmp_path: Path, command: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(STORIES.read_bytes()[:-100])
    said = subprocess.run([command, "check", cut], capture_output=True, text=True, check=False)
    with pytest.raises(trine.FileError) as raised:
        trine.check(cut)
    assert said.stderr.strip().removeprefix("error: ") == str(raised.value)


def test_a_converted_model_has_the_same_logits(tmp_path: Path, model: trine.Model) -> None:
    output = tmp_path / "tq1_0.gguf"
    assert trine.convert(STORIES, output, "tq1_0") == []
    assert {tensor.type for tensor in trine.inspect(output).tensors} == {"TQ1_0", "F16", "F32"}
    logits = [np.asarray(of.session().feed("Once upon", all=True)) for of in (trine.Model(output), model)]
    assert np.array_equal(*logits)
    with pytest.raises(trine.TrineError, match='to is "tq9": expected one of i2_s, tq1_0'):
        trine.convert(STORIES, tmp_path / "x.gguf", "tq9")  # type: ignore[arg-type]
    with pytest.raises(trine.FileError):
        trine.convert(STORIES, tmp_path / "no" / "x.gguf", "tq2_0")


def test_a_trace_is_that_of_the_command(model: trine.Model, command: Path) -> None:
    said = subprocess.run(
        [command, "check", "--trace", "-p", "The king"], check=True, capture_output=True, text=True
    ).stdout
    rows = [line.split() for line in said.splitlines() if len(line.split()) == 4][1:]
    trace = model.trace("The king")
    assert [row.part for row in trace.rows] == [part for _, part, _, _ in rows]
    for row, (block, _, rms, largest) in zip(trace.rows, rows):
        assert block == ("-" if row.block is None else str(row.block))
        assert abs(row.rms - float(rms)) < 1e-4 and abs(row.largest - float(largest)) < 1e-4
    assert trace.rms.sizes == {"part": 17, "blocks": 4} == trace.largest.sizes
    assert np.isfinite(np.asarray(trace.rms)).all()


def test_a_trace_is_a_picture(model: trine.Model) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("svg")
    trace = model.trace("The king")
    figure = trace.plot(beside=model.trace("A dog"))
    images = [place.images[0] for place in figure.axes if place.images]
    assert [image.get_array().shape for image in images] == [(17, 4)] * 4
    assert np.allclose(images[0].get_array(), np.log10(np.asarray(trace.rms)))


def test_stories_of_the_package_are_the_file(model: trine.Model) -> None:
    assert trine.inspect().tensors == trine.inspect(STORIES).tensors
    assert json.dumps(trine.inspect(STORIES).metadata)
    assert trine.Model(STORIES).name == model.name == "trine-tiny-stories"
