"""The choice of a peer's fastest configuration: each is prepared and tried in a process of its own.

So one that does not come to an end can be given up at any point, also inside a compiler; one that crashes takes nothing
with it; and none leaves memory or threads behind. The fastest keeps its process and takes the turns.
"""

import dataclasses
import multiprocessing
import os
import signal
import sys
import tempfile
import time

import common

TRIAL_SECONDS = 0.6
SEARCH_PATIENCES = 2
"""How many times the patience for one configuration the search among all of them may take, and measuring their memory."""


class Worker:
    """A forked process. No framework may have computed anything before: threads are not inherited.

    `work` is given a function that sends an answer, and one that waits for a question.
    """

    def __init__(self, work):
        context = multiprocessing.get_context("fork")
        self.ours, theirs = context.Pipe()
        self.cache = tempfile.TemporaryDirectory(prefix="isoloss-peer-", ignore_cleanup_errors=True)
        self.process = context.Process(target=run, args=(theirs, work, self.cache.name), daemon=True)
        self.process.start()
        theirs.close()

    def first(self, seconds):
        """The first answer; TimeoutError after so many seconds."""
        if not self.ours.poll(seconds):
            raise TimeoutError(f"given up: not ready after {seconds:.0f} s")
        return self._answer()

    def ask(self, question):
        self.ours.send(question)
        return self._answer()

    def _answer(self):
        try:
            answer = self.ours.recv()
        except EOFError:
            self.process.join()
            raise RuntimeError(f"the process ended with exit code {self.process.exitcode}") from None
        if isinstance(answer, Failure):
            raise RuntimeError(answer.text)
        return answer

    def end(self):
        """Ends the process and the compilers that it started."""
        for kill, target in ((os.killpg, self.process.pid), (os.kill, self.process.pid)):
            try:
                kill(target, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.join()
        self.cache.cleanup()


@dataclasses.dataclass
class Failure:
    text: str


def run(pipe, work, cache):
    """Does the work in a session of its own, so that it ends together with the compilers that it starts.

    What PyTorch compiles is kept in `cache`, of this process alone: one that is ended in the middle of writing would leave a
    broken file to the next.
    """
    os.setsid()
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
    common.end_with_parent()
    try:
        work(pipe.send, pipe.recv)
    except EOFError:
        pass
    except Exception as error:
        first_line = str(error).partition("\n")[0]
        pipe.send(Failure(f"{type(error).__name__}: {first_line}".replace(cache, "CACHE")[:300]))


def configuration(prepare, dot):
    """Sends the shortest time of a trial and the inner product, then the times of a turn for each number of seconds."""

    def work(send, receive):
        action = prepare()
        found = dot(action())
        send((min(common.runs_within(action, TRIAL_SECONDS, least=1)), found))
        while True:
            seconds = receive()
            action()
            send(common.runs_within(action, seconds, least=1))

    return work


def each_alone(measure, candidates, patience):
    """What `measure` returns of each candidate, each in a process of its own; none where it fails or takes too long."""
    end = time.monotonic() + SEARCH_PATIENCES * patience
    found = {}
    for name, prepare in candidates.items():
        worker = Worker(lambda send, _, prepare=prepare: send(measure(prepare)))
        try:
            found[name] = worker.first(max(0, min(patience, end - time.monotonic())))
        except (RuntimeError, TimeoutError) as error:
            found[name] = None
            print(name, error, file=sys.stderr, flush=True)
        worker.end()
    return found


@dataclasses.dataclass
class Choice:
    """The fastest configuration, and what is known of all."""

    name: str
    worker: Worker
    trials: dict


def choose(candidates, dot, patience):
    """The fastest of the candidates: functions by name that prepare an action.

    One that its framework cannot do, or not within `patience` seconds, is out of the running, with the reason; so is one
    whose turn comes after `SEARCH_PATIENCES` times as long. Only if none is left it is an error.
    """
    trials, best = {}, None
    end = time.monotonic() + SEARCH_PATIENCES * patience
    for name, prepare in candidates.items():
        start = time.monotonic()
        if start >= end:
            trials[name] = {"refused": f"not tried: the search had taken {SEARCH_PATIENCES * patience:.0f} s"}
            continue
        worker = Worker(configuration(prepare, dot))
        try:
            ms, found = worker.first(min(patience, end - start))
            trials[name] = {"ms": round(ms, 4), "along_tangents": found}
        except (RuntimeError, TimeoutError) as error:
            trials[name] = {"refused": str(error)}
        trials[name]["seconds"] = round(time.monotonic() - start, 1)
        print(name, trials[name], file=sys.stderr, flush=True)
        best = better(best, Choice(name, worker, trials))
    if best is None:
        raise RuntimeError(f"no configuration works: {trials}")
    return best


def better(best, new):
    """The faster of the two; the other's process is ended."""
    ms = lambda choice: choice.trials[choice.name].get("ms", float("inf")) if choice else float("inf")
    winner, loser = (new, best) if ms(new) < ms(best) else (best, new)
    if loser:
        loser.worker.end()
    return winner
