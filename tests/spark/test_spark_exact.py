"""In Spark the same bits as in one process, however many partitions there are."""

import pytest
from spark_streams import CASES, plain, query, read, records, same_row, same_state, write

from stream_rnn.spark import models

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("partitions", [1, 3, 8])
@pytest.mark.parametrize("case", CASES)
def test_predictions_and_models_are_those_of_one_process(spark, case, partitions, tmp_path):
    rows = records(keys=6, count=240)
    write(tmp_path / "in", rows, files=2)
    expected, alone = plain(case, rows)
    spark.conf.set("spark.sql.shuffle.partitions", partitions)
    query(spark, case, tmp_path / "in", tmp_path)
    got = read(spark, tmp_path)
    assert got.keys() == expected.keys()
    for number, row in got.items():
        assert same_row(row, expected[number])
    found = models(spark, tmp_path / "checkpoint", CASES[case][0])
    assert found.keys() == alone.keys()
    for key, model in found.items():
        assert same_state(model, alone[key])
