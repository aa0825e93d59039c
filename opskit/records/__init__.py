"""Floor 2: what must not be lost: the ledger, deliveries owed, leases held."""
