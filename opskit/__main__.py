"""`python -m opskit`."""

from opskit.cli.main import main

main()
