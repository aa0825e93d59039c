"""Who is told what, and when: routes, groups, silences, rotas, escalation. Pure."""
