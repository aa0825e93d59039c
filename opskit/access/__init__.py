"""The access slice. So far it holds people and teams, who own services."""
