"""Mixtures of unlike models, for targets that are a function of the record or of its past.

`base` says what a member is; each file beside it is one: `forest`, `neighbours`, `wide`, `last`,
`network`, `outside`.  `bank` names them and has the defaults, `numbers` and `classes` mix what
they predict, and `mixture` has all of it at work on arrays.
"""
