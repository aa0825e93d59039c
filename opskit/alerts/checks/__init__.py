"""What makes an alert untrustworthy, rule by rule. Pure."""
