"""Every error of pytest-ladder.

    LadderError                    anything this project raises on purpose
    ├── InvalidFile                a file the user wrote or committed cannot be used; exit status 4
    ├── InvalidRequest             an option or an argument cannot be used
    ├── MissingDependency          an optional package is not installed (also an ImportError)
    ├── MissingRecording           read-only, and the answer or the model call is not on record
    ├── BudgetSpent                a bound on calls, cost or time is reached; what is recorded stays
    ├── ModelFailed                a model gave no usable reply
    │   └── ModelUnavailable       this time; asking again may help
    ├── ModelRefused               a provider takes no call of this run: key, name, quota, or it is down
    │   └── JudgeRefused           a judge can say nothing in this run: as above, or its options or files are at fault
    ├── SystemFailed               the system under test raised, hung, or returned the wrong type
    ├── Altered                    recorded evidence does not match the log
    └── Locked                     another run is writing this ladder's files

Messages read `<where>: <what is wrong>, got <what>; expected <what>. <Next step.>`.
"""

from __future__ import annotations


def message(
    where: str, fault: str, *, got: object = None, expected: str | None = None, next_step: str | None = None
) -> str:
    """Put an error message in the one form all of them have.

    `got` is shown by `repr`, cut at 80 characters; None leaves the part out, as it does for the others.
    """
    text = f"{where}: {fault}"
    if got is not None:
        quoted = repr(got)
        text += f", got {quoted if len(quoted) <= 80 else quoted[:77] + '...'}"
    if expected is not None:
        text += f"; expected {expected}"
    if next_step is not None:
        text += f". {next_step[0].upper()}{next_step[1:]}"
    return text if text.endswith((".", "!", "?", "`")) else text + "."


class LadderError(Exception):
    """The root of every error this project raises on purpose; its text is for the user."""


class InvalidFile(LadderError, ValueError):
    """A file of the ladder cannot be used; the text begins with `path:line`. Mend the file."""


class InvalidRequest(LadderError, ValueError):
    """An option, an argument or a call cannot be used as given. Change the call."""


class MissingDependency(LadderError, ImportError):
    """An optional package is not installed. Install the extra that the text names."""


class MissingRecording(LadderError, LookupError):
    """Nothing may be asked, and something is not on record. Run without `--ladder-record=none`."""


class BudgetSpent(LadderError):
    """A bound on calls, cost or time is reached. Raise it, or run again to go on."""


class ModelFailed(LadderError):
    """A model gave no usable reply. The next run asks again."""


class ModelUnavailable(ModelFailed):
    """A model gave no reply this time; asking again may help.

    `retry_after` is how many seconds the provider asks to wait, None where it does not say. `limited`: it said that
    these are too many calls at a time. `unsent`: the call never reached it.
    """

    def __init__(
        self, text: str, *, retry_after: float | None = None, limited: bool = False, unsent: bool = False
    ) -> None:
        super().__init__(text)
        self.retry_after, self.limited, self.unsent = retry_after, limited, unsent


class ModelRefused(LadderError):
    """A provider takes no call of this run: the key, the name, the quota, or it is down. What is recorded stays."""


class JudgeRefused(ModelRefused):
    """A judge can say nothing of any answer: its model takes no call, or its options or files are at fault."""


class SystemFailed(LadderError):
    """The system under test raised, hung, or returned the wrong type. Mend the system."""


class Altered(LadderError):
    """Recorded evidence does not match the log. Restore the files, or ask again."""


class Locked(LadderError):
    """Another run is writing the same ladder's files. Wait for it, or stop it."""
