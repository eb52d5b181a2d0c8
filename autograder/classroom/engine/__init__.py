"""The grading engine: `python -m autograder autograde` takes a class through prepare, execute and commit.

`steps` are nbgrader's own, parted where it would run a notebook; `coordinator` takes the submissions of a class through them,
and alone knows the gradebook. `executing` runs and judges one submission, a function of its bytes and the policy. `workers`
are processes that do so, here or on a cluster, and hold no database and no other submission. `store` keeps results by what
they depend on, so that a run that was killed goes on where it was. `in_nbgrader` has nbgrader's own command start the engine.

Any assignment of any course directory can be graded. Where an exercise of the course stands behind a graded cell, the judge
decides; another cell is run, and nbgrader scores what it shows.
"""
