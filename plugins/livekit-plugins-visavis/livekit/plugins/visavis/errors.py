"""What this plugin raises."""


class VisavisException(Exception):
    """The avatar cannot be started; the message says what to do."""
