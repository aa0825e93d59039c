"""The fleet's tables: runs, records, deviations, debts, fidelity, rollouts and fingerprints."""

from opskit.fleet.store import counts, debts, episodes, exposures, fingerprints, rollouts, runs

__all__ = ["counts", "debts", "episodes", "exposures", "fingerprints", "rollouts", "runs"]
