"""The course's own data: made by its grammars and templates, seeded, and never downloaded."""
