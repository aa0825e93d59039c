"""A year of an invented company, as evidence: what a report shows once it has lived for a while.

Nothing here happened. It is the same on every machine and at any time: what looks like chance is
drawn from named streams, and the year is one of its own. `inputs.made_up` puts it together;
`incidents`, `fleet`, `access`, `warnings`, `desk` and `word` each tell one part of the story over
all thirteen months, `months` says what was known of it at the end of each.
"""
