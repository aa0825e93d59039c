"""The Defaults sudo knows, by what they take; and what they come to when applied in order."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from opskit.access.sudoers.syntax import Setting


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FLAGS = _names(
    """
    admin_flag always_query_group_plugin always_set_home authenticate case_insensitive_group
    case_insensitive_user closefrom_override compress_io env_editor env_reset exec_background
    fast_glob fqdn ignore_audit_errors ignore_dot ignore_iolog_errors ignore_local_sudoers
    ignore_logfile_errors ignore_unknown_defaults insults intercept intercept_allow_setid
    intercept_authenticate intercept_verify iolog_flush log_allowed log_denied log_exit_status
    log_host log_input log_output log_passwords log_server_keepalive log_server_verify log_stderr
    log_stdin log_stdout log_subcmds log_ttyin log_ttyout log_year long_otp_prompt mail_all_cmnds
    mail_always mail_badpass mail_no_host mail_no_perms mail_no_user match_group_by_gid
    netgroup_tuple noexec noninteractive_auth pam_acct_mgmt pam_rhost pam_ruser pam_session
    pam_setcred pam_silent passprompt_override path_info preserve_groups pwfeedback requiretty
    root_sudo rootpw runas_allow_unknown_id runas_check_shell runaspw selinux set_home set_logname
    set_utmp setenv shell_noargs stay_setuid sudoedit_checkdir sudoedit_follow syslog_pid targetpw
    tty_tickets umask_override use_loginclass use_netgroups use_pty user_command_timeouts
    utmp_runas visiblepw
    """
)
# These take a value and cannot be switched off.
_VALUES = _names(
    """
    apparmor_profile askpass authfail_message badpass_message closefrom command_timeout editor
    fdexec intercept_type iolog_dir iolog_file iolog_group iolog_mode iolog_user
    lecture_status_dir limitprivs log_server_timeout mailsub maxseq noexec_file
    pam_askpass_service pam_login_service pam_service passprompt passwd_tries privs role
    runas_default runchroot runcwd sudoers_locale syslog_maxlen timestamp_type timestampdir
    timestampowner type
    """
)
# These take a value or are switched off.
_OPTIONAL = _names(
    """
    admin_flag env_file exempt_group group_plugin lecture lecture_file listpw log_format
    log_server_cabundle log_server_peer_cert log_server_peer_key logfile loglinelen mailerflags
    mailerpath mailfrom mailto passwd_timeout restricted_env_file rlimit_as rlimit_core rlimit_cpu
    rlimit_data rlimit_fsize rlimit_locks rlimit_memlock rlimit_nofile rlimit_nproc rlimit_rss
    rlimit_stack secure_path syslog syslog_badpri syslog_goodpri timestamp_timeout umask verifypw
    """
)
_LISTS = _names("env_check env_delete env_keep log_servers passprompt_regex")
_KNOWN = _FLAGS | _VALUES | _OPTIONAL | _LISTS
# Those sudo applies before all others, since they change what others mean.
EARLY = frozenset(
    {"fqdn", "runas_default", "sudoers_locale", "group_plugin", "ignore_unknown_defaults"}
)

Value = str | bool | frozenset[str]


@lru_cache(maxsize=1024)
def misuse(setting: Setting) -> str:
    """Return why sudo passes over a setting; nothing where it takes it."""
    name, operator = setting.name, setting.operator
    if name not in _KNOWN:
        return f"unknown Defaults setting {name}"
    if operator in {"+=", "-="} and name not in _LISTS:
        return f"{name} is no list: {operator} means nothing"
    if operator == "=" and name in _FLAGS - _OPTIONAL:
        return f"{name} takes no value"
    if operator == "" and name not in _FLAGS | {"lecture", "syslog"}:
        return f"{name} needs a value"
    if operator == "!" and name in _VALUES:
        return f"{name} cannot be switched off"
    return ""


def applied(settings: Iterable[Setting], start: dict[str, Value] | None = None) -> dict[str, Value]:
    """Return what settings come to, the later over the earlier; lists grow and shrink."""
    values: dict[str, Value] = dict(start or {})
    for setting in settings:
        if misuse(setting):
            continue
        name, operator = setting.name, setting.operator
        if name in _LISTS:
            values[name] = _list(values.get(name), setting)
        elif operator == "=":
            values[name] = setting.value
        else:
            values[name] = operator != "!"
    return values


def _list(before: Value | None, setting: Setting) -> frozenset[str]:
    items = frozenset(setting.value.split())
    kept = before if isinstance(before, frozenset) else frozenset()
    match setting.operator:
        case "+=":
            return kept | items
        case "-=":
            return kept - items
        case _:
            return items
