"""Where the helper was: what others have under way still names it."""

from mlfp.execution.files import write_atomically as write_atomically
