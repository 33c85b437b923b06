"""A run that does not end: records in, predictions out, checkpoints between.

`task` learns a batch of records, `pipeline` moves batches from a source to its sinks;
`exactly_once` is a member of a Kafka consumer group, `late` joins labels that come after.
"""
