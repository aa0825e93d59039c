"""The one report model in the forms people and programs read; a form adds words, never a number."""
