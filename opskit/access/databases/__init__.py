"""What a database server says of access: roles, memberships, privileges, client authentication."""
