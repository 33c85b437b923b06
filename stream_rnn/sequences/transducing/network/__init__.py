"""An encoder–decoder network: a bidirectional reader, attention, and a writer.

- `state`: parameters and what a record brings forth, each shape written once.
- `recurrence`: a layer of any cell over a sequence, forwards and backwards.
- `attention`: what the writer sees of the source; also without attention.
- `record`: log p(target | source) and its exact gradient.
- `learn`: the step along it, and the mean of the parameters, which predicts; `beam`: decoding.
- `member`: the Python side: growing, saving.

Sources: Sutskever, Vinyals & Le 2014 (encoder–decoder); Schuster & Paliwal 1997 (bidirectional);
Luong, Pham & Manning 2015 (multiplicative attention, fed to the next step); Kingma & Ba 2015
(Adam); Shamir & Zhang 2013 (averages that forget).
"""
