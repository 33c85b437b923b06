"""``stream-rnn`` that says in a file which delicate phase it is in, to be killed there.

    python kafka_victim.py PHASES run pipeline.toml ...

With MOVED set, its arrays lie elsewhere in memory than those of another process.

The file has one byte for each of `PHASES`: how many threads are inside.  What it holds after the
process is dead is where the process died.
"""

import functools
import mmap
import os
import sys
import threading

PHASES = ("commit", "checkpoint", "rebalance")


def main() -> None:
    path = sys.argv.pop(1)
    with open(path, "wb") as file:
        file.write(bytes(len(PHASES)))
    with open(path, "r+b") as file:
        inside = mmap.mmap(file.fileno(), len(PHASES))
    lock = threading.Lock()

    def marks(owner: type, method: str, phase: str) -> None:
        plain, index = getattr(owner, method), PHASES.index(phase)

        @functools.wraps(plain)
        def marked(*arguments, **options):
            with lock:
                inside[index] += 1
            try:
                return plain(*arguments, **options)
            finally:
                with lock:
                    inside[index] -= 1

        setattr(owner, method, marked)

    if "MOVED" in os.environ:
        from moved import PAGE, move_blocks

        line = 64 * (os.getpid() % 61)
        move_blocks(setattr, PAGE - line, line)
    import connectors.kafka.driver
    from stream_rnn.cli.app import main as run
    from stream_rnn.service.exactly_once.partition import PartitionRun
    from stream_rnn.service.exactly_once.session import Session

    if os.environ.get("KAFKA_CLIENT") == "confluent":
        from connectors.kafka.confluent_producer import ConfluentProducer as Producer
    else:
        from connectors.kafka.python_producer import PythonProducer as Producer
    assert connectors.kafka.driver.Producer
    marks(Producer, "commit", "commit")
    marks(PartitionRun, "save", "checkpoint")
    marks(Session, "revoked", "rebalance")
    marks(Session, "_admit_one", "rebalance")
    run()


if __name__ == "__main__":
    main()
