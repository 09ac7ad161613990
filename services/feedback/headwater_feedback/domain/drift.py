"""Whether a model does worse than it did."""

from dataclasses import dataclass


@dataclass(slots=True)
class PageHinkley:
    """The test of Page (1954) for a fall of a mean, as Hinkley (1971) runs it: a sum that only falls bring up.

    A library of detectors would bring pandas and SciPy for these lines.
    `slack`: falls up to this are none. `threshold`: bound on the sum; with rewards
    of 0 to 1 a false alarm comes once in some tens of thousands of lists, and a
    fall by 0.2 is told after some 170. `least`: lists before there is a mean.
    """

    slack: float = 0.05
    threshold: float = 25.0
    least: int = 50
    count: int = 0
    mean: float = 0.0
    sum: float = 0.0

    def add(self, value: float) -> bool:
        """Takes the next value in, and says whether the mean has fallen."""
        self.count += 1
        self.mean += (value - self.mean) / self.count
        if self.count <= self.least:
            return False
        self.sum = max(0.0, self.sum + self.mean - value - self.slack)
        return self.sum > self.threshold
