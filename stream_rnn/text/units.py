"""The model that fits a unit of text."""

from typing import Any

from stream_rnn.text.model import TextModel
from stream_rnn.text.presets import Preset
from stream_rnn.text.word_model import WordModel
from stream_rnn.text.words import Words


def create_model(preset: Preset, unit: Any, seed: int) -> TextModel:
    """A fresh model of the unit's symbols."""
    if isinstance(unit, Words):
        return WordModel(preset, unit, seed)
    return TextModel(preset, unit.codes, unit.possible, unit.most, seed)
