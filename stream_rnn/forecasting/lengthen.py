"""A bank that meets new inputs, in a few calls.

`bank.grow` carries a bank over into a new one.  Here the new bank is the old block with longer
axes, see `numerics.laid`, and only what a new input begins with is written: its weights are 0,
their variances the priors.  The same bits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..numerics.laid import Laid
from ..numerics.places import MOAT
from ..numerics.trees import Field, leaves
from .bank import Bank
from .experts import base as ops

JOINED = ("columns", "squares")  # axes made of one array for each filter


def in_blocks(blocks: Sequence[Laid], banks: Sequence[Bank]) -> list[Laid]:
    """The blocks of *banks*, new ones unless there are some; [] if they cannot be lengthened."""
    known = [block for block in blocks or map(laid, banks) if block is not None]
    return known if len(known) == len(banks) else []


def laid(bank: Bank) -> Laid | None:
    """*bank* in a block that can be lengthened; None if one of its experts cannot."""
    if not all(type(group) in ops.longer.registry for group in bank.groups):
        return None
    if len([1 for group in bank.groups if ops.joined(group, 0)]) > 1:
        return None
    fields = ops.as_it_is(bank)._replace(groups=tuple(ops.longer(g, 0) for g in bank.groups))
    made = Laid((), fields, (), apart=MOAT, joined=JOINED)
    for target, array in zip(leaves(made.state), leaves(bank), strict=True):
        target[...] = array
    return made


def lengthened(old: Laid, more: int) -> Laid:
    """*old* with so many *more* exogenous inputs, of which nothing was seen."""
    before: Bank = old.state
    new = old.longer(_fields(old.fields[0], before.groups, more), ())
    tables: dict[str, Any] = {name: ([], []) for name in JOINED}
    for group in before.groups:
        tables |= ops.joined(group, more)
    new.take(old, *(tables[name] for name in JOINED))
    bank: Bank = new.state
    bank.youth.inputs[:, -more:] = np.nan
    for group in bank.groups:
        ops.begin(group, more, len(bank.features.row))
    return new


def _fields(bank: Any, groups: tuple, more: int) -> Bank:
    """The fields of a bank with *more* inputs, which are the last on every axis of theirs."""
    features, pending = bank.features, bank.pending
    return bank._replace(
        features=features._replace(
            row=_longer(features.row, more), inputs=_longer(features.inputs, more)
        ),
        pending=pending._replace(rows=_longer(pending.rows, more)),
        youth=bank.youth._replace(inputs=_longer(bank.youth.inputs, more)),
        doubt=bank.doubt._replace(inputs=_longer(bank.doubt.inputs, more)),
        groups=tuple([ops.longer(group, more) for group in groups]),
    )


def _longer(field: Field, more: int) -> Field:
    """*field* with a longer last axis."""
    return field._replace(shape=(*field.shape[:-1], field.shape[-1] + more))
