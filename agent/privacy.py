"""What people say stays out of the log unless the operator wants it there.

LiveKit and we put such text under keys with a part named `pii` and nowhere else ("lk.pii.text").
The filter takes these off every record; it sits on the handlers, because a logger's filters do not
see what its children log.
"""

import logging


class WithoutText(logging.Filter):
    """Passes every record, without what somebody said."""

    def filter(self, record: logging.LogRecord) -> bool:
        for key in [key for key in vars(record) if "pii" in key.split(".")]:
            del record.__dict__[key]
        return True


def keep_text_out() -> None:
    """From now on no handler of this process's root logger sees personal text. Twice is fine."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(each, WithoutText) for each in handler.filters):
            handler.addFilter(WithoutText())
