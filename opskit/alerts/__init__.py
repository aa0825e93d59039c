"""The alerts slice. So far it checks the form of Prometheus rule files."""
