"""All that is due in access, done in one go: by `opskit access settle`, by `opskit serve`."""

from __future__ import annotations

from opskit.access import reviews, settling
from opskit.access.requesting import is_overdue
from opskit.access.settling import Settled
from opskit.access.store import grants
from opskit.access.workplace import Workplace


def go(work: Workplace) -> Settled:
    """Do what reviews ask for, then start, end and try again; tell which reviews are overdue."""
    reviews.go_on(work)
    done = settling.settle(work)
    _remind(work)
    return done


def _remind(work: Workplace) -> None:
    """Tell once that an emergency should have been reviewed by now."""
    now = work.now()
    with work.database.write() as connection:
        for grant in grants.unreviewed(connection):
            if is_overdue(grant, now) and not grant.reminded:
                told = {"person": grant.person, "review_due": grant.review_due}
                work.tell(connection, "breakglass.overdue", grant.name, told)
                grants.change(connection, grant, reminded=1)
