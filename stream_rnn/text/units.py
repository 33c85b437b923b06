"""The model that fits a unit of text."""

from typing import Any

from .model import TextModel
from .presets import Preset
from .words.model import WordModel
from .words.split import Words


def create_model(preset: Preset, unit: Any, seed: int) -> TextModel:
    """A fresh model of the unit's symbols."""
    if isinstance(unit, Words):
        return WordModel(preset, unit, seed)
    return TextModel(preset, unit.codes, unit.possible, unit.most, seed)
