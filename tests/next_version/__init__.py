"""The version after this one, as far as a deployment notices it: a table has one more column, which only the new code knows."""
