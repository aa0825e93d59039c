"""PromQL, evaluated here: the answers Prometheus would give over the same samples. Pure."""
