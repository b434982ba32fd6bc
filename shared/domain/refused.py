"""The one base of errors whose message is for the person who asked."""


class Refused(Exception):
    """What was asked cannot be done. The message says why, to the person, and holds no secret."""
