"""The commands of `python -m avatar`, one module each, with `main(argv) -> exit status`."""
