"""The shape of a word: which kinds of characters it is made of."""


def shape(word: str, repeats: int = 2) -> str:
    """What kinds of characters a word has, at most so many of a kind in a row.

    >>> shape("McDonald's"), shape("2,500"), shape("USA", 1)
    ("XxXxx'x", 'd,dd', 'X')
    """
    out: list[str] = []
    for c in word:
        kind = "X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c
        if out[-repeats:] != [kind] * repeats:
            out.append(kind)
    return "".join(out)
