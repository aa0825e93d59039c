"""The fleet's tables: runs, records, deviations, debts, fidelity, rollouts and fingerprints."""

from opskit.fleet.store import debts, episodes, exposures, fingerprints, rollouts, runs

__all__ = ["debts", "episodes", "exposures", "fingerprints", "rollouts", "runs"]
