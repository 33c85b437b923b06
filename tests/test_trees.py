"""Trees of arrays: declared once, and all else follows from that."""

from typing import Annotated, NamedTuple

import numpy as np
import pytest

from stream_rnn.errors import CheckpointError
from stream_rnn.numerics import growing, trees
from stream_rnn.numerics.trees import NEWER, SCRATCH, SYMBOLS, Float, Int, Real


class Table(NamedTuple):
    """V symbols, five that came lately, and scratch."""

    weight: Annotated[Real, "V 3"]
    lately: Annotated[Int, "5", SYMBOLS]
    work: Annotated[Float, "2V+1", SCRATCH]
    since: Annotated[Float, "1", NEWER]


class Model(NamedTuple):
    """A table, and some arrays of sizes of their own."""

    table: Table
    layers: tuple[Annotated[Float, "H"], ...]


def model(V, layers=({"H": 2}, {"H": 5})):
    table = trees.fields(Table, {"V": V}, np.float32)
    return trees.zeros(trees.fields(Model, {}, table=table, layers=list(layers)))


def test_shapes_and_dtypes_are_those_declared():
    tree = model(4)
    shapes = {name: (array.shape, array.dtype) for name, array in trees.walk(tree)}
    assert shapes == {
        "table.weight": ((4, 3), np.float32),
        "table.lately": ((5,), np.int64),
        "table.work": ((9,), np.float64),
        "table.since": ((1,), np.float64),
        "layers.0": ((2,), np.float64),
        "layers.1": ((5,), np.float64),
    }
    assert trees.size(tree) == 48 + 40 + 72 + 8 + 16 + 40
    assert [name for name, _ in trees.walk(tree, scratch=False)][2] == "table.since"
    assert list(trees.marked(tree, NEWER)) == ["table.since"]
    assert trees.fields((), {}) == ()


def test_a_copy_shares_nothing():
    tree = model(3)
    tree.table.weight[:] = 7
    copy = trees.duplicate(tree)
    tree.table.weight[:] = 0
    assert (copy.table.weight == 7).all()


def test_what_is_loaded_must_be_of_the_same_shape():
    tree, other = model(3), model(3)
    other.table.weight[:] = 5
    saved = {name: array.copy() for name, array in trees.walk(other, scratch=False)}
    trees.load(tree, saved)
    assert (tree.table.weight == 5).all()
    with pytest.raises(CheckpointError, match=r"table.weight: the checkpoint has float32\(1, 3\)"):
        trees.load(tree, saved | {"table.weight": np.zeros((1, 3), np.float32)})
    with pytest.raises(CheckpointError, match="they differ in: odd"):
        trees.load(tree, saved | {"odd": np.zeros(1)})
    del saved["layers.0"]
    with pytest.raises(CheckpointError, match=r"they differ in: layers\.0"):
        trees.load(tree, saved)


def test_what_an_older_version_lacks_begins_as_zero():
    tree = model(3)
    tree.table.since[:] = 9
    saved = {name: array.copy() for name, array in trees.walk(tree, scratch=False)}
    del saved["table.since"]
    trees.load(tree, saved)
    assert tree.table.since[0] == 0


def test_symbols_that_are_kept_get_new_numbers():
    old, new = model(5), model(4)
    old.table.weight[:] = np.arange(5)[:, None]
    old.table.lately[:] = [0, 4, 2, -1, 3]
    growing.keep(old.table, new.table, np.array([0, 2, 4]), axis="V")
    assert new.table.weight[:, 0].tolist() == [0, 2, 4, 0]
    assert new.table.lately.tolist() == [0, 2, 1, -1, 0]


def test_longer_axes_keep_their_corner():
    old, new = model(3), model(6)
    old.table.weight[:] = 2
    old.table.lately[:] = 1
    growing.extend(old, new)
    assert new.table.weight.sum() == 2 * 9
    assert new.table.lately.sum() == 5


def test_names_below_a_prefix():
    assert trees.below("a.", {"a.x": 1, "a.y": 2, "b": 3}) == {"x": 1, "y": 2}


@pytest.mark.parametrize("array", [Int, list[np.int64]])
def test_a_type_is_read_as_each_numpy_writes_it(array):
    """From NumPy 2.5 on an `NDArray` names the type of its numbers alone, not in a dtype."""
    axes, dtype, marks = trees._read(Annotated[array, "H 3", SCRATCH])
    assert (axes, dtype, marks) == (("H", "3"), np.dtype("int64"), (SCRATCH,))
