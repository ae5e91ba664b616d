"""Takes the pictures in docs/screens: every page, as its people see it."""
