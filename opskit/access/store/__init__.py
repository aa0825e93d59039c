"""What the access slice keeps: requests, decisions, grants, and where these are in force."""
