"""kill -9 of a run with keys, few of whose contexts are in memory."""

import numpy as np
import pytest
from test_kill import PIPELINE, finish, kill, left_behind, start

from stream_rnn.checkpoints.store import Store

RECORDS, KEYS = 5000, 60
KEYED = 'key = "id"\nmax_contexts = 7\n' + PIPELINE


def write_stream(path):
    """Keys of which some are frequent and some rare, and rows that cannot be learned."""
    rng = np.random.default_rng(3)
    owners = np.minimum(rng.geometric(0.05, RECORDS), KEYS)
    u = rng.normal(size=RECORDS)
    y = np.sin(np.arange(RECORDS) / 9) * owners / KEYS + 0.3 * u
    lines = [f"s{k},{a:.4f},{b:.4f}" for k, a, b in zip(owners, u, y, strict=True)]
    for row in rng.integers(0, RECORDS, 30):
        lines[row] = [",0.1,0.2", "s1,word,0.2", "s2,0.1", "2.5,0.1,0.2"][row % 4]
    path.write_text("\n".join(["id,a,y", *lines, ""]))


def contexts(folder):
    shelf = Store(folder / "checkpoints").load_newest().contexts
    return {key: shelf.get(key) for key in shelf}


@pytest.mark.parametrize(
    ("share", "kills"), [("weights", 3), pytest.param("nothing", 6, marks=pytest.mark.slow)]
)
def test_kills_change_nothing(tmp_path, share, kills):
    """The output, the parameters, and the context of every key, bit for bit."""
    peace, war = tmp_path / "peace", tmp_path / "war"
    for folder in (peace, war):
        folder.mkdir()
        (folder / "pipeline.toml").write_text(f'share = "{share}"\n{KEYED}')
        write_stream(folder / "in.csv")
    finish(start(peace))
    expected = left_behind(peace)
    inside = kill(war, len(expected[0][0]), kills)
    finish(start(war))
    print(f"{kills} kills, {inside} of them inside a checkpoint")
    files, manifest, arrays = left_behind(war)
    assert (files, manifest, arrays) == expected
    assert contexts(war) == contexts(peace)
    assert len(contexts(war)) == KEYS + 1  # and "2.5", whose text is a key like any other
