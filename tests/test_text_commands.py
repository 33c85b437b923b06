"""The text commands through the command line, and a stream that is killed and resumed."""

import io

import numpy as np
import pytest
from typer.testing import CliRunner

from stream_rnn.cli import text_actions as commands
from stream_rnn.cli.app import app
from stream_rnn.errors import CheckpointError, ConfigError
from stream_rnn.estimators.saving import save
from stream_rnn.estimators.text import TextPredictor

LINES = [f"10:{i // 60:02d}:{i % 60:02d} session {i % 7} opened for root" for i in range(240)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "log.safetensors"
    model = TextPredictor(preset="contexts", seed=4)
    model.stream([{"text": line} for line in LINES], [])
    save(model, str(path))
    return path


def run(*arguments, **options):
    result = CliRunner().invoke(app, [str(a) for a in arguments], **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_generate(saved):
    result = run("generate", saved, "--prompt", "10:", "--length", 80, "--temperature", 0.3)
    assert result.stdout.startswith("10:")
    assert " session " in result.stdout
    assert (
        result.stdout
        == run("generate", saved, "--prompt", "10:", "--length", 80, "--temperature", 0.3).stdout
    )


def test_complete_learns_what_is_accepted(saved):
    before = commands.load_predictor(str(saved))
    result = run("complete", saved, "--top", 2, input="10:03:59 session 2 op\n1\n\n7\n")
    first, second, accepted, *_ = result.stdout.splitlines()
    assert first.startswith("1 ")
    assert first.endswith("10:03:59 session 2 opened for root")
    assert second.startswith("2 ")
    assert accepted == "= 10:03:59 session 2 opened for root"
    after = commands.load_predictor(str(saved))
    assert after._symbols == before._symbols + len("10:03:59 session 2 opened for root\n")
    out = io.StringIO()
    assert commands.complete(str(saved), io.StringIO("10:0\n"), out, k=3, learn=False) == 1
    assert len(out.getvalue().splitlines()) == 3


def test_compress_and_decompress(tmp_path):
    source, code, back = tmp_path / "a.log", tmp_path / "a.srt", tmp_path / "b.log"
    source.write_text("\n".join(LINES))
    result = run("compress", source, code, "--preset", "contexts")
    assert "bits per byte" in result.stderr
    assert code.stat().st_size < source.stat().st_size / 10
    run("decompress", code, back)
    assert back.read_bytes() == source.read_bytes()
    with pytest.raises(ConfigError, match="cannot read"):
        run("compress", tmp_path / "none", code)


def test_checkpoints_without_text(tmp_path):
    from stream_rnn.checkpoints.file import encode

    path = tmp_path / "other.safetensors"
    path.write_bytes(encode({"task": {}}, {"w": np.zeros(2)}))
    with pytest.raises(CheckpointError, match="no text predictor"):
        commands.load_predictor(str(path))


def test_a_stopped_stream_resumes_bit_for_bit(tmp_path):
    """Batches of any size, with the state saved and loaded as a file between them."""
    whole = TextPredictor(preset="contexts", seed=4)
    records = [{"text": line} for line in LINES]
    expected = whole.stream(records, [])
    path, got, at = str(tmp_path / "state"), [], 0
    save(TextPredictor(preset="contexts", seed=4), path)
    for n in (1, 100, 5, 134):
        model = commands.load_predictor(path)
        model.stream(records[at + n : at + n + 20], [])  # lost: it was killed before saving
        model = commands.load_predictor(path)
        got += model.stream(records[at : at + n], [])
        save(model, path)
        at += n
    assert got == expected
