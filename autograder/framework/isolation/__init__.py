"""Answers in processes of their own: `wire.py` what goes through the pipe, `worker.py` the far end, `process.py` the near."""
