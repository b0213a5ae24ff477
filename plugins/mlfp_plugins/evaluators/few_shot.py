"""N-way K-shot episodes: each query looks for its K supports among those of N subjects."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.errors import ParameterError
from mlfp.evaluation import intervals
from mlfp.evaluation.episodes import Episodes
from mlfp.types.estimate import Estimate, Units
from mlfp.types.trial import Trial
from mlfp.wording import counted


class FewShot:
    """``recall_at_k_shot`` and ``hit_at_k`` (Few-Shot Fingerprinting, equations 2 to 4).

    Every episode draws N subjects without replacement, and of each one query and K supports that are other scans.
    A query retrieves the K nearest of all N * K supports: ``recall_at_k_shot`` is the share of them that are its own
    (the paper's Recall@K, its mean over episodes MRe@K); ``hit_at_r`` is whether one of the r nearest is (H@R, MH@R).

    Values are means over episodes, and ``n`` counts these. Units are subjects, weighted by how often they were drawn:
    their weighted mean is the mean over episodes. Subjects with too few scans take no part; ``left_out_subjects`` is
    their share of all subjects that ask, and its ``n`` counts all.

    :param ways: N, or ``all`` for as many as qualify. 20 as in the paper's standard setting.
    :param shots: K.
    :param episodes: how many; 100 in the paper.
    :param hits: ranks at which ``hit_at_k`` is given.
    """

    needs: Literal["scores"] = "scores"

    def __init__(
        self,
        ways: int | Literal["all"] = 20,
        shots: int = 1,
        episodes: int = 100,
        hits: tuple[int, ...] = (1, 5),
    ) -> None:
        self.ways = ways
        self.shots = shots
        self.episodes = episodes
        self.hits = hits

    def check(self, trial: Trial) -> None:
        """See :class:`mlfp.interfaces.evaluator.CheckingEvaluator`."""
        self._check_numbers()
        self._ways(trial, self._episodes(trial))

    def _episodes(self, trial: Trial) -> Episodes:
        return Episodes(trial.queries, trial.gallery, trial.ignore, self.shots)

    def __call__(self, trial: Trial) -> dict[str, Estimate]:
        """Draw the trial's episodes and answer them.

        :raises ParameterError: fewer subjects qualify than ways are asked for, or a number is out of range.
        """
        self._check_numbers()
        episodes = self._episodes(trial)
        ways = self._ways(trial, episodes)
        measured = {name: np.zeros(len(episodes.subjects)) for name in self._names()}
        drawn = np.zeros(len(episodes.subjects))
        for episode in episodes.draw(ways, seed=trial.seed, episodes=self.episodes):
            own = episodes.answer(episode, trial.similarity, max(self.shots, *self.hits, 1))
            drawn[episode.subjects] += 1
            measured["recall_at_k_shot"][episode.subjects] += own[:, : self.shots].mean(axis=1)
            for rank in self.hits:
                measured[f"hit_at_{rank}"][episode.subjects] += own[:, :rank].any(axis=1)
        estimates = {name: self._average(trial, episodes, total, drawn) for name, total in measured.items()}
        return {**estimates, "left_out_subjects": _left_out(trial, episodes)}

    def _names(self) -> list[str]:
        return ["recall_at_k_shot", *(f"hit_at_{rank}" for rank in self.hits)]

    def _average(self, trial: Trial, episodes: Episodes, total: np.ndarray, drawn: np.ndarray) -> Estimate:
        used = drawn > 0
        names = episodes.subjects[used]
        units = Units(names, names, total[used] / drawn[used], drawn[used])
        return intervals.estimate(units, seed=trial.seed, n=self.episodes)

    def _check_numbers(self) -> None:
        smallest = {"ways": 2, "shots": 1, "episodes": 1}
        for name, least in smallest.items():
            value = getattr(self, name)
            if value != "all" and value < least:
                raise ParameterError(f"{name} should be {least} or more, got {value}", key=(name,))
        if any(rank < 1 for rank in self.hits):
            raise ParameterError(f"ranks should be 1 or more, got hits = {list(self.hits)}", key=("hits",))

    def _ways(self, trial: Trial, episodes: Episodes) -> int:
        """N, if so many subjects qualify."""
        able = len(episodes.subjects)
        ways = max(able, 2) if self.ways == "all" else self.ways
        if ways <= able:
            return ways
        subjects = len(set(trial.queries.subjects))
        raise ParameterError(
            f"{ways}-way {self.shots}-shot episodes need {ways} subjects with a query and "
            f"{counted(self.shots, 'further scan')}, and "
            f"{able} of {counted(subjects, 'subject')} {'has' if able == 1 else 'have'} them",
            key=("ways",),
            hints=[
                f"Ask for at most {able} ways, or for 'ways: all'."
                if able > 1
                else "Ask for fewer shots, or for retrieval: {use: retrieval}.",
            ],
        )


def _left_out(trial: Trial, episodes: Episodes) -> Estimate:
    """A count of what was there, not a sample of it: the interval is the value."""
    subjects = len(set(trial.queries.subjects))
    share = 1 - len(episodes.subjects) / subjects
    return Estimate(share, share, share, subjects)
