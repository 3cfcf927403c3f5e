"""What a terminal sees: featviz's own lines only, and one line for an error.

:func:`main` is the command ``featviz``; :func:`run` is the same inside a running Python, where
warnings and logging stay as their owner has set them.
"""

from __future__ import annotations

import codecs
import contextlib
import faulthandler
import logging
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import click

from featviz._check import nearest, one_of

STOPPED = 130  # 128 + SIGINT, as shells count
# Signs that we print, for terminals that cannot show them.
_PLAIN = {"×": "x", "…": "...", "·": "-", "−": "-", "ᵀ": "^T", "²": "^2", "’": "'"}
_PLAIN |= dict.fromkeys("⎡⎢⎣", "[") | dict.fromkeys("⎤⎥⎦", "]") | {"⋯": "...", "⋮": ":", "⋱": "..."}
_NEGATIVE_NUMBERS = re.compile(r"-\.?[0-9][0-9eE+\-−./,;\s]*")


class WrongUse(click.UsageError):
    """The command's words do not make sense: exit 2; the sentence says all."""


class Failure(click.ClickException):
    """Something outside the command's words went wrong: exit 1."""

    exit_code = 1


class Command(click.Command):
    """A subcommand: takes ``--debug`` too, and arguments that are negative numbers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(debug_option())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse ``args``; ``"-1 0; 0 1"`` is an argument: no option begins with a digit."""
        spaced = [f" {word}" if _NEGATIVE_NUMBERS.fullmatch(word) else word for word in args]
        try:
            return super().parse_args(ctx, spaced)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click's parser does not always know it
            raise


class Commands(click.Group):
    """The group: an unknown subcommand is answered with the nearest."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand that the first word names."""
        if not args[0].startswith("-"):
            one_of("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke the subcommand; click itself would print an empty line for Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Abort from None


def debug_option() -> click.Option:
    """Return the option ``--debug``; :func:`run` looks for its word itself."""
    words = "Show the traceback of an error, and what the libraries print."
    return click.Option(["--debug"], is_flag=True, expose_value=False, help=words)


def main(command: click.Command) -> NoReturn:
    """Run the command line as the process, without libraries' warnings, and exit."""
    if "--debug" not in sys.argv[1:]:
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
    codecs.register_error("featviz", plain_signs)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="featviz")
    sys.exit(run(command))


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run a click command and return its exit status; one line says why it fails."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in words
    try:
        with contextlib.nullcontext() if debug else _libraries_silent():
            command.main(
                args=None if arguments is None else words,
                prog_name="featviz",
                standalone_mode=False,
            )
    except SystemExit as stop:  # click's answer to a broken pipe
        return stop.code if isinstance(stop.code, int) else 1
    except (Exception, KeyboardInterrupt) as error:
        sentence, status = _sentence(error)
        if debug:
            traceback.print_exc()
        _complain(sentence)
        if status == STOPPED:
            # Where Ctrl-C meets an exec (dataclasses use it at import), Python marks the whole
            # process as killed by the signal, though the interrupt is caught; the next exec
            # takes the mark away.
            exec("")
        return status
    return 0


def say(text: str) -> None:
    """Print to stdout, in the encoding that the terminal asked for."""
    click.echo(text, file=sys.stdout)


def can_show(text: str) -> bool:
    """Whether stdout can print ``text`` as it is."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def plain_signs(error: UnicodeError) -> tuple[str, int]:
    """Replace what a terminal's encoding lacks, as an error handler of ``codecs``."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign, "?") for sign in lacking), error.end


def _sentence(error: BaseException) -> tuple[str, int]:
    """Return what to say of an error, and the exit status."""
    if isinstance(error, (click.exceptions.Abort, KeyboardInterrupt)):
        return "stopped", STOPPED
    if isinstance(error, (WrongUse, Failure)):
        return error.format_message(), error.exit_code
    if isinstance(error, click.ClickException):
        return _click_sentence(error), error.exit_code
    if isinstance(error, OSError):
        if error.strerror and error.filename is not None:
            return f"{error.strerror}: {str(error.filename)!r}", 1
        return error.strerror or str(error), 1
    if isinstance(error, (ValueError, TypeError)):
        return str(error), 2
    # A fault of ours, or of the machine.
    return f"{type(error).__name__}: {error} (add --debug for the traceback)", 1


def _click_sentence(error: click.ClickException) -> str:
    """Return click's sentence the same in all its versions, and where help is."""
    context = getattr(error, "ctx", None)
    sentence = error.format_message().rstrip(".")
    if isinstance(error, click.NoSuchOption):
        known = [word for param in context.command.params for word in param.opts] if context else []
        long = [word for word in known if word.startswith("--")]
        sentence = f"no such option {error.option_name!r}{nearest(error.option_name, long)}"
    sentence = sentence[:1].lower() + sentence[1:]
    return f"{sentence}; see '{context.command_path} --help'" if context else sentence


def _complain(sentence: str) -> None:
    line = f"featviz: error: {' '.join(sentence.split())}"
    with contextlib.suppress(OSError):  # nobody reads it
        if sentence == "stopped" and sys.stderr is not None and sys.stderr.isatty():
            line = f"\n{line}"  # the terminal has written ^C
        click.echo(line, file=sys.stderr, err=True)


@contextlib.contextmanager
def _libraries_silent() -> Iterator[None]:
    """Keep what compiled libraries write to file descriptor 2 off the terminal.

    TensorFlow and CUDA write there before and beside any logging that can be set, at the import
    and whenever a device is first used. Python's own ``sys.stderr`` goes on to the terminal, and
    so does the report of a crash (``faulthandler``); ``--debug`` shows everything.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        terminal = os.dup(2)
    except OSError:  # there is none
        yield
        return
    stream = sys.stderr
    if _descriptor(stream) == 2:
        stream.flush()
        sys.stderr = open(  # noqa: SIM115
            terminal, "w", buffering=1, encoding=stream.encoding, errors=stream.errors,
            closefd=False,
        )  # fmt: skip
    ours = sys.stderr
    reported = faulthandler.is_enabled()
    if not reported:
        faulthandler.enable(terminal)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        if not reported:
            faulthandler.disable()
        if ours is not stream:
            with contextlib.suppress(OSError):
                ours.flush()
            sys.stderr = stream
        os.dup2(terminal, 2)
        os.close(terminal)


def _descriptor(stream: Any) -> int | None:
    try:
        number = stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
    return number if isinstance(number, int) else None
