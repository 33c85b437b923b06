"""Rows of numbers for a batch of records, and what the batch brings, before anything changes."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from ..features.cells import PLAIN
from ..features.missing import is_missing
from .category import Category, Plan
from .values import text_of

if TYPE_CHECKING:
    from .columns import Columns


def planned_rows(columns: "Columns", xs: Sequence[dict], plan: Plan) -> list[dict]:
    """Records of numbers; effects are 0 yet."""
    rows = []
    numeric = columns.numeric()
    categories, ahead = plan.categories, plan.seen
    zeros: dict[Hashable, dict[str, float]] = {}
    last = -1
    for x, count in zip(xs, plan.targets, strict=True):
        if count != last:
            zeros, last = {}, count
        row, texts = x.copy(), {}
        if not numeric.issuperset(x) and x.keys() - numeric - categories.keys():
            numeric = set(numeric)
            for name in _new(columns.rules, row, categories, numeric):
                if columns.leads:
                    categories[name] = Category(name, columns.rules.get(name))
                else:
                    del row[name]
        for name, category in categories.items():
            value = row.pop(name, None)
            if category.rule == "leave" or is_missing(value):
                continue
            texts[name] = text = text_of(value)
            seen = ahead.get(name, category.seen)
            if columns.leads:
                after = seen.after(name, text, category.rule)
                if after is not seen:
                    seen = ahead[name] = after
            category.describe(seen, text, row)
            if name not in zeros:
                zeros[name] = dict.fromkeys(category.effect_names(count), 0.0)
            row.update(zeros[name])
        rows.append(row)
        plan.texts.append(texts)
    return rows


def _new(rules: dict, row: dict, categories: dict, numeric: set) -> list[Hashable]:
    """Fields that show by this record that they are categories."""
    found = []
    for name, value in row.items():
        if name in categories:
            continue
        if name in rules:
            if rules[name] == "leave" or not is_missing(value):
                found.append(name)
        elif name not in numeric and not is_missing(value):
            if isinstance(value, str) and PLAIN.read(value) is None:
                found.append(name)
            else:
                numeric.add(name)
    return sorted(found, key=repr)
