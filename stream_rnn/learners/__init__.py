"""The gradient algorithms; `LEARNERS` maps their names to their specs."""

from .block_rtrl import BlockRTRL
from .rflo import RFLO
from .rtrl import RTRL
from .snap import SnAp1
from .stack_rtrl import StackRTRL
from .tbptt import TBPTT
from .uoro import UORO

LEARNERS = {spec.__name__: spec for spec in (RTRL, BlockRTRL, SnAp1, RFLO, UORO, TBPTT, StackRTRL)}

Learner = RTRL | BlockRTRL | SnAp1 | RFLO | UORO | TBPTT | StackRTRL

__all__ = [
    "LEARNERS",
    "RFLO",
    "RTRL",
    "TBPTT",
    "UORO",
    "BlockRTRL",
    "Learner",
    "SnAp1",
    "StackRTRL",
]
