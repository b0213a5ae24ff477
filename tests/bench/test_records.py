from __future__ import annotations

from pathlib import Path

import numpy as np

from mlfp.bench.records import Record, RunFolder, told
from mlfp.types.estimate import Estimate, Resamples, Units

NAMES = np.array(["a", "b"], dtype=object)


def _measured(value: float) -> dict[str, Estimate]:
    resamples = Resamples(np.array([value, np.nan, value + 0.1]), 12, "drawn", "trial")
    return {
        "eer": Estimate(value, value - 0.1, value + 0.1, 40, resamples=resamples),
        "hit_at_1": Estimate(value, 0, 1, 2, Units(NAMES, NAMES, np.array([value, 1.0]), np.ones(2))),
        "bytes": Estimate(3.0, 3.0, 3.0, 1),
    }


def test_what_tests_need_is_read_as_it_was_written_and_replaced_with_its_evaluation(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    record = Record("run", "m", "scorer", 0, {}, [], {})
    for key, value in (("one", 0.2), ("two", 0.3), ("one", 0.4)):
        record.evaluations[key] = told(key, _measured(value))
        folder.write(record, {key: _measured(value)})
    for key, value in (("one", 0.4), ("two", 0.3)):
        found, wanted = folder.estimates(record, key), _measured(value)
        assert list(found) == list(wanted)
        one, other = found["eer"].resamples, wanted["eer"].resamples
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one.values, other.values)
        assert (one.subjects, one.drawn, one.trial) == (12, "drawn", "trial")
        assert found["hit_at_1"].units is not None
        assert found["hit_at_1"].units.values.tolist() == [value, 1.0]
        assert found["bytes"].units is found["bytes"].resamples is None


def test_a_run_from_before_resamples_were_kept_is_read(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    record = Record("run", "m", "scorer", 0, {}, [], {}, evaluations={"one": told("one", _measured(0.2))})
    assert folder.estimates(record, "one")["eer"].resamples is None
