"""``stream-rnn demo``: a whole pipeline on a bundled series, drawn while it runs."""
