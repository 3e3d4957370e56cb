"""What every flow does around its steps, so that those who operate it see what became of it.

A run is named for what it is. What stops it is an artifact that says why, whatever that was; what it comes to is the
message of its state.
"""

from __future__ import annotations

import functools
import inspect
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prefect import runtime
from prefect.artifacts import create_markdown_artifact
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Completed

from flows.given import as_fields, checked
from flows.guard import only_refit
from schemas.errors import AnotherRefit, CorpusRejected, EncoreError, NoRoom, NotConverged
from schemas.verdict import Verdict
from tasks.disk import is_full, no_room
from tasks.publish.text import harmless, markdown
from tasks.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STEPS = logging.getLogger("encore")
_KEY = re.compile(r"[^a-z0-9]+")


def run_name() -> str:
    """Return the name of the flow run that is starting: flow, publication, and what started it."""
    parameters: Mapping[str, Any] = runtime.flow_run.parameters or {}
    what = runtime.deployment.name or "terminal"
    return f"{runtime.flow_run.flow_name}-{parameters.get('name', '')}-{what}"


def artifact_key(flow: str, name: str) -> str:
    """Return the key of what is said of a flow's runs of one publication: the UI shows one under the other."""
    return _KEY.sub("-", f"{flow}-{name}".lower()).strip("-")


def operated[**P, R](
    finish: Callable[[R, Mapping[str, Any]], str], *, alone: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator for the function of a flow.

    Parameters
    ----------
    finish : callable
        Is given what the function returned and the parameters by name, shows it in the UI, and returns the sentence
        that becomes the message of the run's state. Where that begins with ``nothing new``, so does the state's name.
    alone : bool
        Whether no two runs for one name may be at work at once. The second ends as cancelled; called from Python or a
        terminal it raises instead.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function, eval_str=True)
        call = cast("Callable[..., R]", function)

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            if not runtime.flow_run.id:
                return function(*args, **kwargs)  # a plain function, of which no server knows
            if runtime.deployment.id and _STEPS.level == logging.NOTSET:
                # Nobody has asked for less; in the log of the run, in the UI, the steps are to say what they do.
                _STEPS.setLevel(logging.INFO)
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            name = str(bound.arguments["name"])
            try:
                given = checked(signature, bound.arguments)
                if alone:
                    with only_refit(
                        open_store(str(given["to"])).work, name, runtime.flow_run.name or "a run without a name"
                    ):
                        returned = call(**given)
                        sentence = finish(returned, given)
                else:
                    returned = call(**given)
                    sentence = finish(returned, given)
            except AnotherRefit as error:
                _log(str(error))
                if not runtime.deployment.id:
                    raise
                return cast("R", Cancelled(message=str(error)))
            except Exception as error:
                if is_full(error):
                    store = open_store(str(bound.arguments["to"]))
                    full = no_room(error, [store.work, store.beside])
                    _show_reason(full, name)
                    raise full from error
                _show_reason(error, name)
                raise
            state = "Nothing new" if sentence.startswith("nothing new") else None
            return cast("R", Completed(name=state, message=sentence, data=returned))

        # Prefect looks names in annotations up where `run` was defined, which is here.
        run.__annotations__ = inspect.get_annotations(function, eval_str=True)
        run.__signature__ = signature  # type: ignore[attr-defined]
        return run

    return decorate


def _show_reason(error: Exception, name: str) -> None:
    try:
        create_markdown_artifact(
            key=artifact_key(str(runtime.flow_run.flow_name), name),
            markdown=reason(error, name, by_form=bool(runtime.deployment.id)),
            description=f"{markdown(name)}: stopped",
        )
    except Exception as trouble:  # noqa: BLE001 - whatever it is, the error itself says more
        _log(f"the reason could not be shown: {trouble}")


def _log(sentence: str) -> None:
    try:
        get_run_logger().warning(sentence)
    except MissingContextError:
        return


def reason(error: Exception, name: str, *, by_form: bool = False) -> str:
    """Return the artifact of a run that was stopped: what is wrong, what to do, and what the gate has measured.

    Parameters
    ----------
    error : Exception
    name : str
        Of the publication.
    by_form : bool
        Whether the run was started with the form of the UI, so that advice names its fields instead of options.

    Returns
    -------
    str
        Markdown, in which text of strangers is text.
    """
    said = as_fields(str(error)) if by_form else str(error)
    first, *more = harmless_lines(said)
    lines = [f"### {markdown(name)}: {_what(error)}", "", markdown_line(first)]
    lines += ["", *(f"- {markdown_line(line.strip())}" for line in more if line.strip())]
    lines += ["", f"**What now?** {_what_now(error, name)}"]
    if isinstance(error, NotConverged) and error.verdict:
        lines += ["", _measured(Path(error.verdict), by_form=by_form)]
    return "\n".join(lines)


def _measured(path: Path, *, by_form: bool) -> str:
    from tasks.gate.evidence import markdown_of

    verdict = Verdict.model_validate_json(path.read_text(encoding="utf-8"))
    advice = as_fields(verdict.advice) if by_form else verdict.advice
    return markdown_of(verdict.model_copy(update={"advice": advice}), path.parent)


def harmless_lines(text: str) -> list[str]:
    """Return the lines of a message, each fit to be shown; at least one."""
    return [harmless(line)[:1000] for line in text.splitlines()[:40]] or [""]


def markdown_line(text: str) -> str:
    """Escape a line of a message, however long, piece by piece."""
    return "".join(markdown(text[start : start + 100]) for start in range(0, len(text), 100))


def _what(error: Exception) -> str:
    if isinstance(error, NotConverged):
        return "the gate stopped it, nothing was published"
    if isinstance(error, CorpusRejected):
        return "the corpus was rejected, nothing was published"
    if isinstance(error, EncoreError):
        return "stopped, nothing was published"
    if isinstance(error, OSError):
        return f"files or network failed ({type(error).__name__}), nothing was published"
    return f"a bug in Encore ({type(error).__name__}), nothing was published"


def _what_now(error: Exception, name: str) -> str:
    if isinstance(error, NotConverged):
        return (
            "Change the parameters as the line above says and start a new run: only the steps from `sample` on are "
            "done again. The artifact `gate` has all that was measured."
        )
    if isinstance(error, CorpusRejected):
        return (
            f"Mend the corpus, or allow for it in the group *1. Ingest* of the run form, and start a new run. "
            f"`encore quarantine {markdown(name)}` shows the rows that were left out."
        )
    if isinstance(error, NoRoom):
        return "Make room. *Retry* goes on at the first step that is missing, and so does a new run."
    if isinstance(error, EncoreError):
        return "Mend that and start a new run."
    if isinstance(error, OSError):
        return "It was tried several times. It may have passed: *Retry* goes on at the first step that is missing."
    return "The log of this run has the traceback. What was published before is untouched."
