"""Everything that is checked of a component, under its name: NAME.py its laws and probes, NAME.toml a sentence for each
misconception, NAME.json the fingerprints that the build makes of the wrong answers in `solutions/`.
"""
