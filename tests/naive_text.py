"""Readable references for text: plain Python and float64 NumPy, written differently."""

import math
from collections import defaultdict

import numpy as np


def normalised_lstm(parameters, symbols, h, c):
    """Hidden states (T, H) of the coupled-gate LSTM; all arrays real-sized, not padded."""
    recurrent, lookup, bias, gain, shift = parameters
    H = len(h)
    states = []
    for s in symbols:
        z = (h @ recurrent + lookup[s] + bias).reshape(3, H)
        n = z / np.sqrt((z**2).mean(1, keepdims=True) + 1e-5)
        a = gain.reshape(3, H) * n + shift.reshape(3, H)
        f, g, o = 1 / (1 + np.exp(-a[0])), np.tanh(a[1]), 1 / (1 + np.exp(-a[2]))
        c = f * c + (1 - f) * g
        h = o * np.tanh(c)
        states.append(h)
    return np.array(states)


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


class NaiveContexts:
    """Interpolated absolute discounting of orders 1..n over all of the text, in dicts."""

    def __init__(self, orders, theta=0.05):
        self.orders, self.theta = orders, theta
        self.counts = [defaultdict(lambda: defaultdict(int)) for _ in range(orders)]
        self.zero = defaultdict(int)
        self.text = ""

    def context(self, order):
        padded = "\0" * self.orders + self.text
        return padded[len(padded) - order :]

    def probabilities(self, alphabet):
        """One dict for each order from 0: of the symbols in `alphabet` and None, a new one."""
        total = 1 + sum(self.zero[s] + 0.5 for s in alphabet)
        p = {s: (self.zero[s] + 0.5) / total for s in alphabet} | {None: 1 / total}
        found = [p]
        for order in range(1, self.orders + 1):
            counts = self.counts[order - 1].get(self.context(order))
            if counts:
                n = sum(counts.values())
                kept = {s: c - {1: 0.5, 2: 0.6}.get(c, 0.7) for s, c in counts.items()}
                rest = n - sum(kept.values()) + self.theta
                p = {s: (kept.get(s, 0) + rest * q) / (n + self.theta) for s, q in p.items()}
            found.append(p)
        return found

    def learn(self, symbol):
        """Longest order first; stop below one that had met the symbol twice."""
        self.zero[symbol] += 1
        for order in range(self.orders, 0, -1):
            counts = self.counts[order - 1][self.context(order)]
            counts[symbol] += 1
            if counts[symbol] > 2:
                break
        self.text += symbol


def witten_bell_trigram_bits(words):
    """Total bits of an online Witten-Bell trigram; a new word costs its class only."""
    seen = defaultdict(int)
    tables = [defaultdict(lambda: defaultdict(int)) for _ in range(2)]
    bits, history = 0.0, (None, None)
    for n, word in enumerate(words):
        types = len(seen)
        p = seen.get(word, types) / (n + types) if n else 1.0
        for order in (1, 2):
            counts = tables[order - 1].get(history[2 - order :])
            if counts:
                total = sum(counts.values()) if order == 2 else counts[None]
                kinds = len(counts) - (order == 1)
                p = (counts.get(word, 0) + kinds * p) / (total + kinds)
        bits -= math.log2(p)
        seen[word] += 1
        tables[0][history[1:]][word] += 1
        tables[0][history[1:]][None] += 1  # the total, kept for contexts that are common
        tables[1][history][word] += 1
        history = (history[1], word)
    return bits
