"""Real servers for tests: sshd hosts, a PostgreSQL and a browser, all throwaway."""
