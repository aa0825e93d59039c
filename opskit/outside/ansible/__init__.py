"""The door to Ansible: one child process per run, two truths about what happened.

`door` starts and stops runs, `child` is that process and the only importer of ansible_runner,
`remains` ends what a run left running, `transcript` reads what the callback wrote, `values` marks
what came from outside as data.
"""
