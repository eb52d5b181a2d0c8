"""The grading engine: `python -m autograder autograde` takes a class through prepare, execute and commit.

`coordinator` prepares submissions and commits results by nbgrader's own steps; it alone knows the gradebook. `executing` runs
and judges one submission, a function of its bytes and the policy. `workers` are processes that do so, here or on a cluster,
and hold no database and no other submission. `store` keeps results by what they depend on, so that a run that was killed
goes on where it was.
"""
