"""A chain of T tokens and L labels: marginals by forward–backward, the best path by Viterbi.

Scores s (T, L) and transitions A (L + 1, L + 1), whose last row is from the start and whose last
column is to the end.  In probabilities, each step scaled to the sum 1 (Rabiner 1989):

    α_t[l] ∝ φ_t[l] Σ_k α_{t−1}[k] E[k, l],   β_t[k] ∝ Σ_l E[k, l] φ_{t+1}[l] β_{t+1}[l]
    φ_t = exp(s_t − max s_t),  E = exp(A − max A)

Differences above `FAR` count as `FAR`, so nothing underflows.
"""

from math import exp, log

from ...codegen.dispatch import kernel

FAR = 60.0  # nats


@kernel
def exponentials(x, count, out):
    """out = exp(x − max x), as if nothing were further than `FAR` below it; returns max x."""
    top = x[0]
    for l in range(1, count):
        top = max(top, x[l])
    for l in range(count):
        out[l] = exp(max(x[l] - top, -FAR))
    return top


@kernel
def transition_factors(A, count, E):
    """E = exp(A − max A) over the labels in use, start and end included; returns max A."""
    last = A.shape[0] - 1
    top = A[last, last]
    for k in range(count + 1):
        for l in range(count + 1):
            top = max(top, A[_at(k, count, last), _at(l, count, last)])
    for k in range(count + 1):
        for l in range(count + 1):
            i, j = _at(k, count, last), _at(l, count, last)
            E[i, j] = exp(max(A[i, j] - top, -FAR))
    return top


@kernel
def _at(k, count, last):
    """Where the start, or the end, stands among labels."""
    return last if k == count else k


@kernel
def normalised(x, count):
    """Scale x[:count] to the sum 1, in place; returns what the sum was."""
    total = 0.0
    for l in range(count):
        total += x[l]
    for l in range(count):
        x[l] /= total
    return total


@kernel
def forward(phi, E, T, count, alpha):
    """Fill α (T, L); returns log Z without the maxima that φ and E have been divided by."""
    last = E.shape[0] - 1
    for l in range(count):
        alpha[0, l] = phi[0, l] * E[last, l]
    log_z = log(normalised(alpha[0], count))
    for t in range(1, T):
        for l in range(count):
            alpha[t, l] = 0.0
        for k in range(count):
            a = alpha[t - 1, k]
            for l in range(count):
                alpha[t, l] += a * E[k, l]
        for l in range(count):
            alpha[t, l] *= phi[t, l]
        log_z += log(normalised(alpha[t], count))
    end = 0.0
    for l in range(count):
        end += alpha[T - 1, l] * E[l, last]
    return log_z + log(end)


@kernel
def backward(phi, E, T, count, beta):
    """Fill β (T, L)."""
    last = E.shape[0] - 1
    for l in range(count):
        beta[T - 1, l] = E[l, last]
    normalised(beta[T - 1], count)
    for t in range(T - 2, -1, -1):
        for k in range(count):
            total = 0.0
            for l in range(count):
                total += E[k, l] * phi[t + 1, l] * beta[t + 1, l]
            beta[t, k] = total
        normalised(beta[t], count)


@kernel
def marginals(alpha, beta, T, count, p):
    """p(y_t = l | x) = α_t[l] β_t[l] / Σ; p (T, L)."""
    for t in range(T):
        for l in range(count):
            p[t, l] = alpha[t, l] * beta[t, l]
        normalised(p[t], count)


@kernel
def expected_transitions(alpha, beta, phi, E, p, T, count, out):
    """out (L + 1, L + 1) ← how often each label follows each, in expectation."""
    last = E.shape[0] - 1
    out[:] = 0.0
    for l in range(count):
        out[last, l] = p[0, l]
        out[l, last] = p[T - 1, l]
    for t in range(1, T):
        total = 0.0
        for k in range(count):
            for l in range(count):
                total += alpha[t - 1, k] * E[k, l] * phi[t, l] * beta[t, l]
        for k in range(count):
            for l in range(count):
                out[k, l] += alpha[t - 1, k] * E[k, l] * phi[t, l] * beta[t, l] / total


@kernel
def best_path(scores, A, T, count, best, back, path):
    """path (T,) ← the most probable labels (Viterbi 1967); the first among equals."""
    last = A.shape[0] - 1
    for l in range(count):
        best[0, l] = A[last, l] + scores[0, l]
    for t in range(1, T):
        for l in range(count):
            top = 0
            for k in range(1, count):
                if best[t - 1, k] + A[k, l] > best[t - 1, top] + A[top, l]:
                    top = k
            best[t, l] = best[t - 1, top] + A[top, l] + scores[t, l]
            back[t, l] = top
    top = 0
    for l in range(1, count):
        if best[T - 1, l] + A[l, last] > best[T - 1, top] + A[top, last]:
            top = l
    for t in range(T - 1, -1, -1):
        path[t] = top
        top = back[t, top]
