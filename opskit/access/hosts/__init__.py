"""What a host says of access: its accounts, groups, keys and sshd, read from its files. Pure."""
