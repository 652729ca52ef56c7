"""The error of one image that cannot be used."""


class ImageError(ValueError):
    """An image cannot be used, for a reason that is counted.

    Attributes:
        reason: str, the kind of fault in a few words, by which such images are counted:
            `"broken"`, `"too large"`, `"not a regular file"`, `"unreadable"` or
            `"link to nothing"`.
    """

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason
