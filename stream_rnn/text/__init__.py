"""Text prediction, one symbol at a time; `TextPredictor` is its face.

From the loop down to the parts:

- `predictor` is the compiled loop over bytes and characters, `word_predictor` that over words;
  `model` and `word_model` enlarge, save and restore what the loops work on.
- The members: `network` (with `network_forward`, `network_backward`, `network_replay`), or
  `engine_network` for any cell and learner; `mixture` of contexts kept in `tables`;
  `bits` (with `bits_predict`, `bits_learn`), which mixes bit by bit over `counters` and a
  `match` model.  `presets` names combinations of them.
- `history` says what contexts see, `vocabulary` numbers symbols; words have `word_history`,
  `word_head` (a softmax in two steps), `word_mixture` and `words` (spelling).
- `numerics` has the elementary functions, `parts` says how all of it is compiled.
- `coder` and `codec` compress; `sampling` generates and completes; `surprise` flags lines;
  `commands` and `cli` are the commands.
"""
