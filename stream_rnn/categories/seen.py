"""What a field's first values were, and which of them have indicators.

Indicators begin when a field has had `AGE` values, of which no more than its *few* were different;
then each further value gets one when it is met, until there are so many.  A field of identifiers
shows within these that it is one, and never gets any.
"""

from collections.abc import Hashable

AGE = 32  # values before indicators begin
FEW = 8  # values that get them
MOST = 64  # … where the field is said to have indicators
BUCKETS = 16  # of a field whose values are hashed
RULES = ("indicators", "statistics", "hash", "leave")


class Seen:
    """Immutable: `after` a value it is another one."""

    __slots__ = ("columns", "count", "first", "zeros")

    def __init__(
        self,
        name: Hashable,
        count: int = 0,
        first: tuple[str, ...] = (),
        indicated: tuple[str, ...] = (),
    ):
        self.count, self.first = count, first
        self.columns = {value: f"{name}={value}" for value in indicated}
        self.zeros = dict.fromkeys(self.columns.values(), 0.0)

    def after(self, name: Hashable, value: str, rule: str | None) -> "Seen":
        """As it is once *value* was met.

        >>> seen = Seen("place")
        >>> for n in range(AGE):
        ...     seen = seen.after("place", "north" if n % 2 else "south", None)
        >>> list(seen.zeros)
        ['place=south', 'place=north']
        """
        few, age = (MOST, 1) if rule == "indicators" else (FEW, AGE)
        if self.count >= age and (value in self.columns or len(self.first) > few):
            return self
        first = self.first
        if len(first) <= few and value not in first:
            first = (*first, value)
        count = min(self.count + 1, age)
        indicated = tuple(self.columns)
        if count == age and rule in (None, "indicators"):
            if not indicated and len(first) <= few:
                indicated = first
            elif indicated and value not in indicated and len(indicated) < few:
                indicated = (*indicated, value)
            elif rule == "indicators" and not indicated:
                indicated = first
        if (count, first, indicated) == (self.count, self.first, tuple(self.columns)):
            return self
        return Seen(name, count, first, indicated)
