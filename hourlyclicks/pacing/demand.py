"""How many requests the jobs of a lane still need, added up without a look at each of them.

Theory. Jobs of one lane take turns. So before a job that needs n requests is done, each other job of its
lane sends as many as it needs, but at most n. The sum of these over all jobs is asked for after every day of
every job, and one day changes the need of one job. `Demand` is a Fenwick tree over the needs: of how many
jobs there are up to a need, and of what they need together. Changing one, and asking for a sum, takes a step
for each binary digit of the largest need, however many jobs there are.
"""

from __future__ import annotations

_JOB = 1 << 48
"""A node is one number: how many jobs it has, times this, and what they need together."""


class Demand:
    """The needs of jobs: numbers from 1; a job that needs nothing counts for nothing.

    Attributes:
        total: what all of them need together.
    """

    __slots__ = ("_all", "_nodes", "_size", "total")

    def __init__(self) -> None:
        self.total = 0
        self._all = 0
        self._size = 1  # a power of two, from the largest need on
        self._nodes: dict[int, int] = {}

    def add(self, need: int, number: int = 1) -> None:
        """Add so many jobs with a need; a negative number takes them away."""
        if not need:
            return
        while need > self._size:
            self._grow()
        change = number * (_JOB + need)
        self._all += change
        self.total += number * need
        nodes, node, size = self._nodes, need, self._size
        while node <= size:
            value = nodes.get(node, 0) + change
            if value:
                nodes[node] = value
            else:  # a long run passes through all numbers
                del nodes[node]
            node += node & -node

    def up_to(self, most: int) -> int:
        """Return what all of them need together if each need counts up to `most` only."""
        if most >= self._size:
            return self.total
        found, node, nodes = 0, most, self._nodes
        while node:
            found += nodes.get(node, 0)
            node &= node - 1
        jobs, needs = divmod(found, _JOB)
        return needs + most * (self._all // _JOB - jobs)

    def _grow(self) -> None:
        """Double the size: the new last node has all there is."""
        self._size *= 2
        if self._all:
            self._nodes[self._size] = self._all
