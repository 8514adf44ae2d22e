"""What can go wrong between a photo and a pack."""

from avatar.errors import AvatarError, code_of


class PrepareError(AvatarError):
    """A photo that cannot become an avatar; the message is one sentence that says what to do.

    Give it a Sentence where a page is to say it in another language.
    """

    @property
    def code(self) -> str:
        """The sentence's code, or "" when it has none."""
        return code_of(self.args[0]) if self.args else ""
