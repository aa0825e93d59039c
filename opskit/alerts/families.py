"""The metrics that rules may count on: what opskit's own page shows, and two known exporters. Pure.

A line is a name, its kind (`gauge`, `counter`), what its values can be (`bool`, `ratio`, `many`:
nothing below zero, `any`) and its labels; a label that not every series has ends in `?`, one with
few values lists them. A test holds opskit's own lines against a real page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

_RANGES: Final = {
    "bool": (0.0, 1.0),
    "ratio": (0.0, 1.0),
    "many": (0.0, math.inf),
    "any": (-math.inf, math.inf),
}
_STATES = "state=excluded|maintenance|unknown|down|degraded|up"
_TARGET = "service target"
_BURNT = "service window=5m|30m|1h|2h|6h|1d|3d"
_FORESEEN = "service target metric item"
_VERDICT = "verdict=failed|unreachable|drifted|owed|not_evaluated|compliant"
_ENFORCED = "enforced_by=certificate|expiry-time|notafter|account-expiry|timer|none"
_MODE = "mode=check|apply"

_OWN = f"""
opskit_service_state gauge bool service {_STATES}
opskit_target_state gauge bool {_TARGET} state=up|degraded|down|unknown
opskit_target_last_look_timestamp_seconds gauge many {_TARGET}
opskit_target_suspect_looks_total counter many {_TARGET}
opskit_target_flips_total counter many {_TARGET}
opskit_maintenance_open gauge many service
opskit_maintenance_overrun gauge many service
opskit_monitor_last_look_timestamp_seconds gauge many
opskit_service_availability_ratio gauge ratio service window
opskit_service_availability_lower_ratio gauge ratio service window
opskit_service_availability_upper_ratio gauge ratio service window
opskit_service_coverage_ratio gauge ratio service window
opskit_service_objective_ratio gauge ratio service window
opskit_service_error_budget_left_seconds gauge any service window
opskit_service_error_budget_left_ratio gauge any service window
opskit_service_error_budget_exhausted_timestamp_seconds gauge many service window
opskit_service_burn_rate gauge many {_BURNT}
opskit_service_down_seconds gauge many {_BURNT}
opskit_certificate_expiry_timestamp_seconds gauge any {_TARGET}
opskit_domain_expiry_timestamp_seconds gauge any {_TARGET}
opskit_license_expiry_timestamp_seconds gauge any {_TARGET} license?
opskit_heartbeat_last_timestamp_seconds gauge many {_TARGET}
opskit_heartbeat_due_timestamp_seconds gauge many {_TARGET}
opskit_disk_used_ratio gauge ratio {_TARGET} mountpoint? path?
opskit_inode_used_ratio gauge ratio {_TARGET} mountpoint? path?
opskit_memory_used_ratio gauge ratio {_TARGET}
opskit_forecast_state gauge bool {_FORESEEN} state=reached|reaches|stable|missing
opskit_forecast_seconds_to_threshold gauge any {_FORESEEN}
opskit_forecast_earliest_seconds_to_threshold gauge any {_FORESEEN}
opskit_forecast_latest_seconds_to_threshold gauge any {_FORESEEN}
opskit_forecast_window_seconds_to_threshold gauge any {_FORESEEN} window
opskit_forecasts_settled_total counter many metric outcome=right|late|false|missed
opskit_fleet_hosts gauge many standard {_VERDICT}
opskit_fleet_oldest_check_timestamp_seconds gauge many standard
opskit_fleet_drift_open gauge many severity=info|low|medium|high|critical
opskit_fleet_drift_oldest_age_seconds gauge many
opskit_fleet_drift_oldest_timestamp_seconds gauge many level=info|low|medium|high|critical
opskit_fleet_runs_total counter many {_MODE}
opskit_fleet_runs_failed_total counter many {_MODE}
opskit_fleet_last_run_timestamp_seconds gauge many {_MODE}
opskit_fleet_last_run_state gauge bool {_MODE} state=running|finished|broken|interrupted|lost
opskit_fleet_waivers gauge many state=active|expired
opskit_fleet_waiver_expiry_timestamp_seconds gauge many waiver
opskit_access_requests gauge many state=draft|checked|pending
opskit_access_grants gauge many state
opskit_access_grant_expiry_timestamp_seconds gauge many grant role
opskit_access_places gauge many {_ENFORCED}
opskit_access_revocations_owed gauge many
opskit_access_revocation_oldest_owed_age_seconds gauge many
opskit_access_revocation_lists_owed gauge many
opskit_access_residual_exposure_seconds_total counter many
opskit_access_breakglass_unreviewed gauge many
opskit_access_breakglass_review_overdue gauge many
opskit_access_review_items_unanswered gauge many
opskit_access_review_due_timestamp_seconds gauge many
opskit_access_lead_time_seconds gauge many quantile=0.5|0.9
opskit_access_lead_time_requests gauge many state=served|open
opskit_alerts gauge many state=pending|firing severity
opskit_alerts_silenced gauge many
opskit_alerts_acknowledged gauge many
opskit_alerts_notifications_total counter many occasion=news|repeat|escalation|reminder|digest
opskit_alerts_drill_proven_age_seconds gauge many
opskit_alerts_drill_broken gauge bool
opskit_alerts_last_evaluation_timestamp_seconds gauge many
opskit_alerts_evaluation_failures_total counter many
opskit_alerts_rules gauge many
opskit_ledger_entries_total counter many
opskit_ledger_head_info gauge bool hash
opskit_ledger_last_entry_timestamp_seconds gauge many
opskit_ledger_tail_ok gauge bool
opskit_reports_issued_total counter many
opskit_report_newest_period_end_timestamp_seconds gauge many
opskit_outbox_owed gauge many
opskit_outbox_oldest_owed_age_seconds gauge many
opskit_outbox_sent_total counter many
opskit_outbox_failed_total counter many
opskit_channel_failures gauge many channel
opskit_build_info gauge bool version python
opskit_start_timestamp_seconds gauge many
opskit_looks_total counter many
opskit_looks_late_total counter many
opskit_look_start_lateness_seconds_total counter many
opskit_looks_in_flight gauge many
opskit_writer_forgotten_total counter many
opskit_writer_backlog gauge many
opskit_writer_up gauge bool
opskit_monitor_up gauge bool
opskit_fleet_up gauge bool
opskit_access_up gauge bool
opskit_alerts_up gauge bool
opskit_records_up gauge bool
opskit_monitor_last_success_timestamp_seconds gauge many
opskit_fleet_last_success_timestamp_seconds gauge many
opskit_access_last_success_timestamp_seconds gauge many
opskit_alerts_last_success_timestamp_seconds gauge many
opskit_records_last_success_timestamp_seconds gauge many
opskit_collector_duration_seconds gauge many collector
opskit_series_dropped gauge many family
"""

# What node_exporter and blackbox_exporter show by default, as far as rules usually ask for it.
_EXPORTERS: Final[Mapping[tuple[str, str], str]] = {
    ("gauge", "bool"): """
        up probe_success probe_http_ssl probe_failed_due_to_regex probe_dns_query_succeeded
        node_filesystem_readonly node_filesystem_device_error node_network_up node_network_carrier
        node_timex_sync_status node_textfile_scrape_error node_scrape_collector_success
        node_systemd_unit_state node_md_state""",
    ("gauge", "many"): """
        ALERTS ALERTS_FOR_STATE scrape_duration_seconds scrape_samples_scraped
        scrape_samples_post_metric_relabeling scrape_series_added
        probe_duration_seconds probe_timeout_seconds probe_dns_lookup_time_seconds
        probe_ip_protocol probe_ip_addr_hash probe_http_status_code probe_http_duration_seconds
        probe_http_content_length probe_http_redirects probe_http_version
        probe_http_uncompressed_body_length probe_http_last_modified_timestamp_seconds
        probe_ssl_earliest_cert_expiry probe_ssl_last_chain_info
        probe_ssl_last_chain_expiry_timestamp_seconds probe_tls_version_info probe_tls_cipher_info
        probe_dns_duration_seconds probe_dns_serial probe_dns_answer_rrs probe_dns_authority_rrs
        probe_dns_additional_rrs probe_icmp_duration_seconds probe_icmp_reply_hop_limit
        probe_grpc_duration_seconds probe_grpc_status_code probe_expect_info
        node_boot_time_seconds node_time_seconds node_uname_info node_os_info node_load1 node_load5
        node_load15 node_procs_running node_procs_blocked node_filefd_allocated
        node_filefd_maximum node_entropy_available_bits node_exporter_build_info
        node_filesystem_avail_bytes node_filesystem_free_bytes node_filesystem_size_bytes
        node_filesystem_files node_filesystem_files_free node_memory_MemAvailable_bytes
        node_memory_MemFree_bytes node_memory_MemTotal_bytes node_memory_Cached_bytes
        node_memory_Buffers_bytes node_memory_SwapFree_bytes node_memory_SwapTotal_bytes
        node_memory_SwapCached_bytes node_memory_Slab_bytes node_memory_Dirty_bytes
        node_memory_Committed_AS_bytes node_memory_CommitLimit_bytes node_disk_io_now
        node_network_mtu_bytes node_network_speed_bytes node_network_info
        node_nf_conntrack_entries node_nf_conntrack_entries_limit node_netstat_Tcp_CurrEstab
        node_sockstat_TCP_alloc node_sockstat_TCP_inuse node_sockstat_TCP_tw
        node_timex_estimated_error_seconds node_timex_maxerror_seconds node_arp_entries
        node_hwmon_temp_celsius node_textfile_mtime_seconds
        node_scrape_collector_duration_seconds node_md_disks node_md_disks_required""",
    ("gauge", "any"): "node_timex_offset_seconds node_time_zone_offset_seconds",
    ("counter", "many"): """
        node_cpu_seconds_total node_cpu_guest_seconds_total node_context_switches_total
        node_intr_total node_forks_total node_disk_io_time_seconds_total
        node_disk_io_time_weighted_seconds_total node_disk_read_bytes_total
        node_disk_read_time_seconds_total node_disk_reads_completed_total
        node_disk_reads_merged_total node_disk_write_time_seconds_total
        node_disk_writes_completed_total node_disk_writes_merged_total
        node_disk_written_bytes_total node_network_receive_bytes_total
        node_network_receive_drop_total node_network_receive_errs_total
        node_network_receive_packets_total node_network_transmit_bytes_total
        node_network_transmit_drop_total node_network_transmit_errs_total
        node_network_transmit_packets_total node_network_carrier_changes_total
        node_pressure_cpu_waiting_seconds_total node_pressure_io_stalled_seconds_total
        node_pressure_io_waiting_seconds_total node_pressure_memory_stalled_seconds_total
        node_pressure_memory_waiting_seconds_total node_softnet_dropped_total
        node_softnet_processed_total node_softnet_times_squeezed_total node_vmstat_oom_kill
        node_vmstat_pgfault node_vmstat_pgmajfault node_vmstat_pgpgin node_vmstat_pgpgout
        node_vmstat_pswpin node_vmstat_pswpout node_netstat_Tcp_ActiveOpens
        node_netstat_Tcp_InErrs node_netstat_Tcp_InSegs node_netstat_Tcp_OutSegs
        node_netstat_Tcp_RetransSegs node_netstat_TcpExt_ListenDrops
        node_netstat_TcpExt_ListenOverflows node_edac_correctable_errors_total
        node_edac_uncorrectable_errors_total""",
}


@dataclass(frozen=True, slots=True)
class Known:
    """A metric that somebody shows. `labels` is None where it may have any.

    `low` and `high` are what its values lie between; `values` are those a label can have, of
    labels that can have few.
    """

    name: str
    kind: str
    low: float
    high: float
    is_bool: bool
    labels: frozenset[str] | None = None
    optional: frozenset[str] = frozenset()
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)


@cache
def own() -> Mapping[str, Known]:
    """Return what opskit's own page shows, by name."""
    return {one.name: one for one in map(_read, _OWN.strip().splitlines())}


@cache
def exporters() -> Mapping[str, Known]:
    """Return what Prometheus, node_exporter and blackbox_exporter show, by name."""
    return {
        name: Known(name, kind, *_RANGES[values], values == "bool")
        for (kind, values), names in _EXPORTERS.items()
        for name in names.split()
    }


def _read(line: str) -> Known:
    name, kind, values, *labels = line.split()
    split = [label.partition("=") for label in labels]
    return Known(
        name,
        kind,
        *_RANGES[values],
        values == "bool",
        frozenset(label.removesuffix("?") for label, _, _ in split),
        frozenset(label.removesuffix("?") for label, _, _ in split if label.endswith("?")),
        {label: frozenset(known.split("|")) for label, _, known in split if known},
    )
