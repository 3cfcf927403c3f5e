"""What a terminal sees: one line for an error, nothing of TensorFlow's start-up messages."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator

import click


def run(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run a click command and return its exit status, saying why in one line when it fails."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        status = command.main(args=words, prog_name="featviz", standalone_mode=False)
    except click.exceptions.Abort:
        return _complain("stopped", 130)
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code)
    except BrokenPipeError:
        # Whoever read the output is gone: nothing more can be said to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _complain(_os_words(error), 1)
    except (ValueError, TypeError) as error:
        return _complain(str(error), 2)
    except Exception as error:  # a fault of ours: one line, and how to see more
        return _complain(f"{type(error).__name__}: {error} (add --debug for the traceback)", 1)
    return status if isinstance(status, int) else 0


def _complain(words: str, status: int) -> int:
    if "--debug" in sys.argv[1:] and sys.exc_info()[0] is not None:
        traceback.print_exc()
    click.echo(f"featviz: error: {' '.join(words.split())}", err=True)
    return status


def _os_words(error: OSError) -> str:
    if error.strerror and error.filename is not None:
        return f"{error.strerror}: {str(error.filename)!r}"
    return str(error)


def load_tensorflow_quietly() -> None:
    """Import TensorFlow and start its devices while nothing of it reaches the terminal.

    Its libraries write to the file descriptor before any logging can be set; that is turned
    aside meanwhile, and printed after all if the import fails.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _stderr_aside():
        import tensorflow as tf

        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        tf.constant(0.0)


@contextlib.contextmanager
def _stderr_aside() -> Iterator[None]:
    sys.stderr.flush()
    with tempfile.TemporaryFile() as aside:
        terminal = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except BaseException:
            aside.seek(0)
            os.write(terminal, aside.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
