"""Splits of a window of records: columns in order, and the best threshold of all."""

from math import log

from ..codegen.dispatch import generic, kernel
from .base import Classes, Numbers


@kernel
def sort_columns(x, m, first, n, work):
    """work.order[i, :n] ← the n records of the ring from *first* on, by column i < m."""
    window = x.shape[0]
    for i in range(m):
        order = work.order[i]
        for k in range(n):
            order[k] = (first + k + window) % window
        for r in range(window):
            work.key[r] = x[r, i]
        merge_sort(order, work.key, work.spare, n)


@kernel
def merge_sort(order, key, spare, n):
    """Stable, from runs of 1 upwards."""
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            if middle < high and key[order[middle - 1]] > key[order[middle]]:
                merge(order, key, spare, low, middle, high)
        width *= 2


@kernel
def merge(order, key, spare, low, middle, high):
    for k in range(low, middle):
        spare[k] = order[k]
    a, b, at = low, middle, low
    while a < middle:
        if b < high and key[order[b]] < key[spare[a]]:
            order[at] = order[b]
            b += 1
        else:
            order[at] = spare[a]
            a += 1
        at += 1


@kernel
def divide(x, m, work, f, threshold, start, end):
    """Part a node's records in the order of all m columns; returns where the right side begins."""
    middle = start
    for k in range(start, end):
        r = work.order[f, k]
        work.side[r] = not x[r, f] > threshold
        middle += work.side[r]
    for i in range(m):
        order, a, b = work.order[i], start, 0
        for k in range(start, end):
            r = order[k]
            if work.side[r]:
                order[a] = r
                a += 1
            else:
                work.spare[b] = r
                b += 1
        for k in range(b):
            order[a + k] = work.spare[k]
    return middle


@generic
def best_split(task, state, work, m, j, start, end):
    """Fill work.found with the gain in likelihood, the column and the threshold; False if none."""


@kernel
def halfway(a, b):
    """A threshold between a < b."""
    middle = a + 0.5 * (b - a)
    return middle if a <= middle < b else a


@best_split.register
def split_numbers(task: Numbers, state, work, m, j, start, end):
    n, mean = end - start, state.stats[j, 0]
    total = 0.0
    for k in range(start, end):
        total += (state.y[work.order[0, k]] - mean) ** 2
    best = 0.0
    for i in range(m):
        order, left = work.order[i], 0.0
        for k in range(start, end - 1):
            left += state.y[order[k]] - mean
            a, b = state.x[order[k], i], state.x[order[k + 1], i]
            if a < b and k - start >= 2 and end - k > 3:
                share = left * left * (1.0 / (k + 1 - start) + 1.0 / (end - k - 1))
                if share > best:
                    best = share
                    work.found[1], work.found[2] = i, halfway(a, b)
    if best <= 0:
        return False
    rest = max(total - best, 1e-9 * total)
    work.found[0] = 0.5 * n * log(total / rest)
    return True


@best_split.register
def split_classes(task: Classes, state, work, m, j, start, end):
    """The sides' Σ n_c²/n is kept up as records pass from right to left."""
    C, n, counts = state.stats.shape[1], end - start, state.stats[j]
    whole = 0.0
    for c in range(C):
        whole += counts[c] ** 2
    best = whole / n * (1 + 1e-12)
    if whole >= float(n) * n:
        return False
    picked = -1
    for i in range(m):
        order, squares_left, squares_right = work.order[i], 0.0, whole
        for c in range(C):
            work.left[c] = 0
        for k in range(start, end - 1):
            c = int(state.y[order[k]])
            squares_left += 2 * work.left[c] + 1
            squares_right -= 2 * (counts[c] - work.left[c]) - 1
            work.left[c] += 1
            a, b = state.x[order[k], i], state.x[order[k + 1], i]
            if a < b:
                score = squares_left / (k + 1 - start) + squares_right / (end - k - 1)
                if score > best:
                    best, picked = score, k + 1 - start
                    work.found[1], work.found[2] = i, halfway(a, b)
    if picked < 0:
        return False
    work.found[0] = gain(state, work, counts, start, end, picked)
    return True


@kernel
def gain(state, work, counts, start, end, picked):
    """By how much ln likelihood rises with the split after the first *picked* records."""
    C, n = counts.size, end - start
    order = work.order[int(work.found[1])]
    for c in range(C):
        work.left[c] = 0
    for k in range(start, start + picked):
        work.left[int(state.y[order[k]])] += 1
    total = weigh(n) - weigh(picked) - weigh(n - picked)
    for c in range(C):
        total += weigh(work.left[c]) + weigh(counts[c] - work.left[c]) - weigh(counts[c])
    return total


@kernel
def weigh(n):
    return n * log(float(n)) if n > 0 else 0.0
