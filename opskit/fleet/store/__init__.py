"""The fleet's tables: runs and their records, deviations, debts, fidelity and rollouts."""

from opskit.fleet.store import debts, episodes, exposures, rollouts, runs

__all__ = ["debts", "episodes", "exposures", "rollouts", "runs"]
