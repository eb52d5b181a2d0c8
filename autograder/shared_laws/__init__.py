"""Laws that many components share, and the ids of misconceptions that any component may have."""
