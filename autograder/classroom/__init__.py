"""A class on nbgrader: made up for tests and the demo, taken from release to feedback, reported on."""
