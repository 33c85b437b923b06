"""Text prediction, one symbol at a time; `TextPredictor` is its face.

From the loop down to the parts:

- `predictor` is the compiled loop over bytes and characters, `words.predictor` that over words;
  `model` and `words.model` enlarge, save and restore what the loops work on.
- The members: `network.coupled_lstm` (with `forward`, `backward`, `replay`), or
  `network.any_cell` for any cell and learner; `contexts.mixture` of contexts kept in
  `contexts.tables`; `bits` (with `predict`, `learn`), which mixes bit by bit over `counters`
  and a `match` model.  `presets` names combinations of them.
- `contexts.history` says what contexts see, `vocabulary` numbers symbols; words have a
  `history`, a `head` (a softmax in two steps), a `mixture` and `split` (spelling).
- `numerics.float32` has the elementary functions, `codegen.inlined` says how all of it is
  compiled.
- `codec` compresses; `sampling` generates and completes; `surprise` flags lines.
"""
