"""Whether the file of a report says what its evidence gives: built again from what it carries.

Nothing else is needed: no database, no settings. Where a ledger is at hand, `held` asks it too.
"""

from __future__ import annotations
