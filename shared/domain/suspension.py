"""What support stops of an account, and what goes on. Pure."""

from enum import StrEnum


class SuspensionKind(StrEnum):
    CONSOLE = "console"  # members and API keys change nothing; tokens are issued on
    TOKENS = "tokens"  # no tenant issues tokens; the console stays open
    FULL = "full"  # both; the key sets stay, so that live tokens still verify

    @property
    def closes_console(self) -> bool:
        return self is not SuspensionKind.TOKENS

    @property
    def stops_tokens(self) -> bool:
        return self is not SuspensionKind.CONSOLE
