"""One label for each token of a sentence: a linear-chain conditional random field.

    p(y | x) ∝ exp(Σ_t w[y_t]·φ_t(x) + Σ_t A[y_{t−1}, y_t])

(Lafferty, McCallum, Pereira 2001), φ sparse: words, affixes, shapes, neighbours (`templates`).
`chain` computes marginals and the best path, `learning` the gradient, `model` holds the state.
"""
