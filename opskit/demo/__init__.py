"""Floor 6: the whole loop on one machine, as a user would type it.

`stage` holds what the demo makes (a directory, hosts, services), `grants` what there is of access,
`story` what happens there.
"""
