"""A text to a class: multinomial logistic regression over sparse features of what it says.

    p(y = c | x) ∝ exp(w_c·φ(x))

φ are the words, shapes of words, pairs of neighbours and character n-grams of a text, each counted
once, and numbers by name; the weights are learned by AdaGrad (`sparse`).
"""
