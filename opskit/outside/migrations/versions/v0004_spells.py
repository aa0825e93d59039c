"""Monitor: what was seen is kept as spells, a row where something changed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Put spells in the place of observations, each of which becomes one."""
    _add_spells()
    _add_times()
    _add_work_and_beats()
    _add_numbers()
    _move()
    op.drop_table("monitor_observations")


def _add_spells() -> None:
    op.create_table(
        "monitor_series",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("target", sa.Text, sa.ForeignKey("monitor_targets.id"), nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("first_interval", sa.BigInteger, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("interval", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.UniqueConstraint("target", "location"),
    )
    op.create_table(
        "monitor_spells",
        sa.Column("series", sa.BigInteger, sa.ForeignKey("monitor_series.id"), primary_key=True),
        sa.Column("began_at", sa.BigInteger, primary_key=True),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("interval", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("late", sa.Integer, nullable=False),
        sa.Column("seal_seq", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_monitor_spells_last_at", "monitor_spells", ["last_at"])


def _add_times() -> None:
    """Add when targets were out of the catalogue, and when opskit could not tell."""
    op.create_table(
        "monitor_pauses",
        sa.Column("target", sa.Text, sa.ForeignKey("monitor_targets.id"), primary_key=True),
        sa.Column("began_at", sa.BigInteger, primary_key=True),
        sa.Column("ended_at", sa.BigInteger, nullable=False),
    )
    state = op.create_table(
        "monitor_state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("alive_at", sa.BigInteger, nullable=False),
        sa.Column("sealed_until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "monitor_gaps",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("ambiguous", sa.Integer, nullable=False),
    )
    op.create_index("ix_monitor_gaps_ended_at", "monitor_gaps", ["ended_at"])
    op.bulk_insert(state, [{"id": 1, "alive_at": 0, "sealed_until": 0}])


def _move() -> None:
    """Make a spell of each observation, and a pause of each time out of the catalogue."""
    op.execute("""
        INSERT INTO monitor_series (target, location, first_at, first_interval,
            began_at, last_at, interval, seen, reason)
        SELECT last.target, '', first.at, first.interval,
            last.at, last.at, last.interval, last.seen, last.reason
        FROM monitor_observations last
        JOIN (SELECT target, MIN(at) AS began, MAX(at) AS ended
              FROM monitor_observations GROUP BY target) ends
            ON ends.target = last.target AND ends.ended = last.at
        JOIN monitor_observations first
            ON first.target = last.target AND first.at = ends.began
    """)
    op.execute("""
        INSERT INTO monitor_spells (series, began_at, last_at, interval, seen, reason, late)
        SELECT monitor_series.id, one.at, one.at, one.interval, one.seen, one.reason, 0
        FROM monitor_observations one
        JOIN monitor_series ON monitor_series.target = one.target
        WHERE one.at < monitor_series.last_at
    """)
    op.execute("""
        INSERT INTO monitor_pauses (target, began_at, ended_at)
        SELECT gone.subject, gone.at, back.at
        FROM ledger gone
        JOIN ledger back ON back.subject = gone.subject AND back.kind = 'target.resumed'
            AND back.seq = (SELECT MIN(seq) FROM ledger
                WHERE subject = gone.subject AND kind = 'target.resumed' AND seq > gone.seq)
        WHERE gone.kind = 'target.retired' AND back.at > gone.at
    """)


def _add_work_and_beats() -> None:
    op.create_table(
        "monitor_maintenance",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("planned_until", sa.BigInteger, nullable=False),
        sa.Column("until_healthy", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("opened_seq", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("closed_seq", sa.BigInteger),
    )
    op.create_index("ix_monitor_maintenance_service", "monitor_maintenance", ["service"])
    op.create_table(
        "monitor_beats",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("word", sa.Text, nullable=False),
    )
    op.create_index("ix_monitor_beats_name", "monitor_beats", ["name", "at"])


def _add_numbers() -> None:
    op.create_table(
        "monitor_metrics",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("target", sa.Text, sa.ForeignKey("monitor_targets.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.UniqueConstraint("target", "name", "labels"),
    )
    op.create_table(
        "monitor_samples",
        sa.Column("metric", sa.BigInteger, sa.ForeignKey("monitor_metrics.id"), primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sa.Column("value", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_monitor_samples_at", "monitor_samples", ["at"])
    op.create_table(
        "monitor_forecasts",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("metric", sa.BigInteger, sa.ForeignKey("monitor_metrics.id"), nullable=False),
        sa.Column("threshold", sa.Float, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expected_at", sa.BigInteger),
        sa.Column("made_seq", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("settled_at", sa.BigInteger),
    )
    op.create_index("ix_monitor_forecasts_metric", "monitor_forecasts", ["metric"])


def downgrade() -> None:
    """Refuse: evidence is not thrown away."""
    message = "the ledger is append-only; restore a backup to go back"
    raise NotImplementedError(message)
