"""How many requests the jobs of a lane still need, added up without a look at each of them.

Theory. Jobs of one lane take turns. So before a job that needs n requests is done, each other job of its lane
sends as many as it needs, but at most n. The sum of these over all jobs is asked for after every day of every
job, and one day changes the need of one job. `Demand` is two Fenwick trees over the needs, of how many jobs
there are up to a need and of what they need together. Changing one, and asking for a sum, takes a step for
each binary digit of the largest need, however many jobs there are.
"""

from __future__ import annotations


class Demand:
    """The needs of jobs: numbers from 1; a job that needs nothing counts for nothing.

    Attributes:
        total: what all of them need together.
    """

    __slots__ = ("_jobs", "_needs", "_number", "_size", "total")

    def __init__(self) -> None:
        self.total = 0
        self._number = 0
        self._size = 1  # a power of two, from the largest need on
        self._jobs: dict[int, int] = {}
        self._needs: dict[int, int] = {}

    def add(self, need: int, number: int = 1) -> None:
        """Add so many jobs with a need; a negative number takes them away."""
        if not need:
            return
        while need > self._size:
            self._grow()
        self._number += number
        self.total += number * need
        jobs, needs, node = self._jobs, self._needs, need
        while node <= self._size:
            jobs[node] = jobs.get(node, 0) + number
            needs[node] = needs.get(node, 0) + number * need
            if not jobs[node]:  # a long run passes through all numbers
                del jobs[node], needs[node]
            node += node & -node

    def up_to(self, most: int) -> int:
        """Return what all of them need together if each need counts up to `most` only."""
        if most >= self._size:
            return self.total
        jobs = needs = 0
        node = most
        while node:
            jobs += self._jobs.get(node, 0)
            needs += self._needs.get(node, 0)
            node &= node - 1
        return needs + most * (self._number - jobs)

    def _grow(self) -> None:
        """Double the size: the new last node has all there is."""
        self._size *= 2
        if self._number:
            self._jobs[self._size] = self._number
            self._needs[self._size] = self.total
