"""Proves that no policy has anything to spare: takes each thing from it, or widens it, and shows what fails.

`subjects.py` lists who has policies, `mutants.py` changes them, `proof.py` runs the scenarios, `reasons.py`
says why something stays that no scenario misses, `page.py` writes it all down.
"""
