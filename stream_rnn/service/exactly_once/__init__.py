"""A member of a Kafka consumer group whose results, offsets and state are one transaction.

`member` joins and leaves the group, `session` is one assignment of partitions, `partition` the
run of one of them; `late_partition` and `journal` are for labels in a topic of their own.
"""
