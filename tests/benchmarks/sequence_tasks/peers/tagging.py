"""The simple peers of tagging, in one pass: most frequent label, plain CRF."""

from collections import Counter, defaultdict

import numpy as np

ROOM = 20  # labels


class MostFrequent:
    """The label that a word has had most often; that of all words for a new one."""

    name = "most frequent label of the word"

    def __init__(self):
        self.seen, self.all = defaultdict(Counter), Counter({"O": 0})

    def predict(self, words):
        usual = self.all.most_common(1)[0][0]
        return [self.seen[w].most_common(1)[0][0] if w in self.seen else usual for w in words]

    def learn(self, words, labels):
        for word, label in zip(words, labels, strict=True):
            self.seen[word][label] += 1
            self.all[label] += 1


def shape(word):
    out = ""
    for c in word:
        kind = "X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c
        out += kind if not out.endswith(kind * 2) else ""
    return out


def features(words):
    """Words and shapes two tokens around, affixes up to 4, two pairs."""
    lower = ["<", "<", *(w.lower() for w in words), ">", ">"]
    shapes = ["<", "<", *map(shape, words), ">", ">"]
    for t, word in enumerate(words):
        w = lower[t + 2]
        found = [("bias",), ("word", word)]
        found += [(n, lower[t + n]) for n in range(5)] + [("s", n, shapes[t + n]) for n in range(5)]
        for n in range(1, min(4, len(w)) + 1):
            found += [("p", w[:n]), ("e", w[-n:])]
        yield [*found, (lower[t + 1], w), ("n", w, lower[t + 3])]


class PlainCRF:
    """A linear-chain CRF, AdaGrad with the rate .2 and nothing else, in NumPy."""

    name = "CRF, AdaGrad(0.2), NumPy"

    def __init__(self):
        self.rows, self.labels = {}, {}
        self.W, self.G = np.zeros((1 << 15, ROOM)), np.zeros((1 << 15, ROOM))
        self.A, self.H = np.zeros((2, ROOM + 1, ROOM + 1))

    def _read(self, words, learning):
        rows = []
        for found in features(words):
            if learning:
                rows.append([self.rows.setdefault(f, len(self.rows)) for f in found])
            else:
                rows.append([self.rows[f] for f in found if f in self.rows])
        while len(self.rows) > len(self.W):
            self.W, self.G = (np.concatenate([a, np.zeros_like(a)]) for a in (self.W, self.G))
        n = len(self.labels)
        return rows, np.array([self.W[r, :n].sum(0) for r in rows])

    def predict(self, words):
        if not self.labels:
            return ["O"] * len(words)
        n = len(self.labels)
        _, s = self._read(words, False)
        best, back = self.A[-1, :n] + s[0], []
        for t in range(1, len(words)):
            paths = best[:, None] + self.A[:n, :n]
            back.append(paths.argmax(0))
            best = paths.max(0) + s[t]
        path = [int((best + self.A[:n, -1]).argmax())]
        for pointer in reversed(back):
            path.append(int(pointer[path[-1]]))
        names = list(self.labels)
        return [names[k] for k in reversed(path)]

    def learn(self, words, labels):
        y = [self.labels.setdefault(label, len(self.labels)) for label in labels]
        rows, s = self._read(words, True)
        n, T = len(self.labels), len(words)
        phi, E = np.exp(s - s.max(1, keepdims=True)), np.exp(self.A)
        inner, alpha, beta = E[:n, :n], np.zeros((T, n)), np.zeros((T, n))
        alpha[0] = E[-1, :n] * phi[0]
        for t in range(T):
            if t:
                alpha[t] = (alpha[t - 1] @ inner) * phi[t]
            alpha[t] /= alpha[t].sum()
        beta[-1] = E[:n, -1]
        for t in range(T - 2, -1, -1):
            beta[t] = inner @ (phi[t + 1] * beta[t + 1])
            beta[t] /= beta[t].sum()
        p = alpha * beta
        p /= p.sum(1, keepdims=True)
        g = np.zeros_like(self.A)
        g[-1, :n], g[:n, -1] = p[0], p[-1]
        for t in range(1, T):
            q = alpha[t - 1][:, None] * inner * (phi[t] * beta[t])
            g[:n, :n] += q / q.sum()
        for a, b in zip([-1, *y], [*y, -1], strict=True):
            g[a, b] -= 1
        p[np.arange(T), y] -= 1
        for r, e in zip(rows, p, strict=True):
            self.G[r, :n] += e * e
            self.W[r, :n] -= 0.2 * e / np.sqrt(self.G[r, :n] + 1e-8)
        self.H += g * g
        self.A -= 0.2 * g / np.sqrt(self.H + 1e-8)
