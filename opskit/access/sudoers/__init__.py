"""sudoers: parsed, resolved, and answered as sudo itself would. Pure.

`policy.load` reads the files of a host, `decide.may` answers who may do what,
`meaning.permissions` resolves the rules to rights, `render.render_grant` writes rules of opskit.
Below them: `tokens`, `lexer`, `plain`, `parser` (text to the statements of `syntax`), `matching`
and `patterns` (lists and commands), `resolve` (aliases and Defaults), `dialect` and `portability`
(which sudo it is, and what sudo-rs refuses).
"""
