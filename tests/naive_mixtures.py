"""The members of mixtures once more, as plainly as they can be said."""

import numpy as np


def neighbours(Z, y, window, nearest, classes=0):
    """Predictions (T,) or (T, C) of the nearest of the records before."""
    T, m = Z.shape
    out = np.zeros((T, max(classes, 1)))
    for t in range(T):
        past = [i for i in range(t) if y[i] == y[i]][-window:]
        d = np.array([((Z[t] - Z[i]) ** 2).sum() for i in past])
        order = np.argsort(d, kind="stable")[:nearest]
        root = np.sqrt(d[order] / m)
        found = [past[i] for i in order]
        if classes:
            p = np.full(classes, 0.5 / classes)
            for i, r in zip(found, root):
                p[int(y[i])] += 0.3 / (0.3 + r)
            out[t] = p / p.sum()
        elif found:
            w = 1 / (0.05 + root)
            out[t] = (w * y[found]).sum() / w.sum()
    return out


def wide_numbers(Phi, y, prior, drift):
    """Recursive least squares with a running noise: predictions (T,) in standard units."""
    w, P, R = np.zeros(len(prior)), np.diag(prior), 1.0
    out = np.zeros(len(y))
    for t, phi in enumerate(Phi):
        out[t] = w @ phi
        kappa = P @ phi
        a, e = phi @ kappa, y[t] - out[t]
        omega = min(1.0, 4 * np.sqrt(R + a) / max(abs(e), 1e-300))
        alpha = R / omega + a
        w = w + kappa * e / alpha
        P = P - np.outer(kappa, kappa) / alpha
        P[np.diag_indices(len(prior))] += np.where(np.diag(P) < prior, drift * prior, 0)
        R = max(R + max(1 / (t + 11), 0.005) * ((omega * e) ** 2 * R / (R + a) - R), 1e-6)
    return out


def best_split(X, y, classes=0):
    """(column, threshold) of the least impurity or squared error, or None."""
    best, found = np.inf, None
    for i in range(X.shape[1]):
        for threshold in np.unique(X[:, i])[:-1]:
            near = X[:, i] <= threshold
            if not classes and min(near.sum(), (~near).sum()) < 3:
                continue
            cost = sum(impurity(y[side], classes) for side in (near, ~near))
            if cost < best - 1e-9:
                best, found = cost, (i, threshold)
    return found


def impurity(y, classes):
    if classes:
        return len(y) - (np.bincount(y.astype(int), minlength=classes) ** 2).sum() / len(y)
    return ((y - y.mean()) ** 2).sum()


def fixed_share(P, y, share, floor):
    """Weights (K,) after the members' P (T, K, C) met the classes y (T,)."""
    K, C = P.shape[1:]
    w = np.full(K, 1 / K)
    for p, c in zip((1 - floor) * P + floor / C, y.astype(int)):
        w = w * p[:, c]
        w = (1 - share) * w / w.sum() + share / K
    return w


def log_linear(P, y, variance, forget, floor, even):
    """Exponents (K,) after the members' P (T, K, C) met the classes y (T,)."""
    K, C = P.shape[1:]
    prior = np.full(K, 1 / K)
    v, A = prior.copy(), np.eye(K) / variance
    for p, c in zip((1 - floor) * P + floor / C, y.astype(int)):
        L = np.log(p)
        q = np.exp(v @ L - (v @ L).max())
        q = (1 - even) * q / q.sum() + even / C
        D = L - (L @ q)[:, None]
        back = (1 - forget) / variance
        A = forget * A + (D * q) @ D.T + back * np.eye(K)
        v = v + np.linalg.solve(A, D[:, c] + back * (prior - v))
    return v


class MondrianTree:
    """A Mondrian tree whose draws are given; predictions are averaged over every pruning."""

    def __init__(self, uniform, classes=0):
        self.uniform, self.classes, self.root = uniform, classes, None

    def prunings(self, node):
        """(log weight, chain of decisions) summed: ln of Σ over prunings of 2^-… e^-loss."""
        if "children" not in node:
            return node["w"]
        a, b = node["w"], sum(self.prunings(child) for child in node["children"])
        return np.log(0.5 * (np.exp(a) + np.exp(b)))

    def predict(self, node, z):
        """Σ over prunings of weight × prediction, by Bayes' rule from the root down."""
        own = node["mean"]
        if "children" not in node:
            return own
        share = 0.5 * np.exp(node["w"] - self.prunings(node))
        child = node["children"][0 if z[node["f"]] <= node["at"] else 1]
        return share * own + (1 - share) * self.predict(child, z)
