"""Ears, minds and voices, and what steps in when one fails. See docs/providers.md."""
