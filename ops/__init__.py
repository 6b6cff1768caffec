"""Commands for those who run Greenlight: `python -m ops doctor`."""
