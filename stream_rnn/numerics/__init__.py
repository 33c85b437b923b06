"""Arrays by name, and elementary functions: what every other room computes with.

`trees` declares, allocates, walks and grows the arrays of a state; `activations`, `linalg` and
`float32` are functions on them; `randomness` draws numbers from the state alone.
"""
