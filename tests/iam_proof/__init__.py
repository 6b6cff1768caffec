"""Proves that the deployer's role has nothing to spare: takes each thing from it, and shows what then fails.

`mutants.py` takes things away, `index.py` remembers which scenario used which, `proof.py` runs the scenarios,
`reasons.py` says why something stays that no scenario uses, `page.py` writes it all down.
"""
