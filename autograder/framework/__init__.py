"""What runs laws on answers, whatever the laws say: cases, candidates, judging, diagnosis, isolation."""
