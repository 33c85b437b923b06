#!/usr/bin/env bash
# Submit query.py to Kubernetes:  submit-kubernetes.sh https://api:6443 IMAGE CHECKPOINT
# The driver shows its metrics in the pod's network, METRICS_ADDRESS, where Prometheus reads them.
# All executors want processors of one type: compiled code may give other last bits on another.
set -euo pipefail
api=$1 image=$2 checkpoint=$3
exec spark-submit \
    --master "k8s://$api" \
    --deploy-mode cluster \
    --name stream-rnn \
    --packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0 \
    --conf spark.kubernetes.container.image="$image" \
    --conf spark.kubernetes.namespace=stream-rnn \
    --conf spark.kubernetes.authenticate.driver.serviceAccountName=spark \
    --conf spark.kubernetes.executor.node.selector.node.kubernetes.io/instance-type="${NODE_TYPE:?}" \
    --conf spark.executor.instances="${EXECUTORS:-2}" \
    --conf spark.executor.cores=2 \
    --conf spark.executor.memory=2g \
    --conf spark.executor.memoryOverhead=2g \
    --conf spark.sql.shuffle.partitions="${PARTITIONS:-4}" \
    --conf spark.python.unix.domain.socket.enabled=true \
    --conf spark.kubernetes.driverEnv.METRICS_ADDRESS="${METRICS_ADDRESS:-0.0.0.0:9108}" \
    --conf 'spark.metrics.conf.*.sink.prometheusServlet.class=org.apache.spark.metrics.sink.PrometheusServlet' \
    --conf spark.sql.streaming.metricsEnabled=true \
    local:///opt/stream-rnn/query.py \
    "${KAFKA_BOOTSTRAP:?}" readings predictions "$checkpoint"
