"""The estate in memory: a small believable world behind every port, for tests that walk the whole procedure.

    world = MemoryEstate(now=lambda: datetime(2027, 1, 15, 10, tzinfo=UTC))
    here = world.estate(), world.environment()
    large = MemoryEstate(now, services=30, hostnames=30, packages=3)

It keeps the names of the practice estate, moves one step with each question (a restore becomes available, a
rollout completes), and can be made to fail by its methods (`world.lose_table("public.appointments")`).
"""

from runbook.estate.memory.estate import MemoryEstate

__all__ = ["MemoryEstate"]
