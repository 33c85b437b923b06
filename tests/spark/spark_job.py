"""A query as a process of its own, to be killed: CASE FOLDER WORK PARTITIONS."""

import sys

from conftest import make_session
from spark_streams import query

if __name__ == "__main__":
    case, folder, work, partitions = sys.argv[1:]
    query(make_session(partitions), case, folder, work)
