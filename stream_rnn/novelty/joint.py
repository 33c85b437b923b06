"""All fields of a record: one score, alarms, and the episodes they belong to."""

from math import isnan, log10

import numpy as np

from ..codegen.dispatch import entry, kernel
from .fields import OUTS, PART, SCORE, learn, miss, ripe
from .labels import keep_alarmed
from .state import (
    ALARM,
    ALARMS,
    AT,
    BEGAN,
    HIGH,
    MISSING,
    PEAK,
    RECORDS,
    SEEN,
    START,
    TOP,
    UNTIL,
    WORST,
)
from .tail import LEAST

WORSE = 2.0  # a score so much above all since the alarm breaks the quiet
LULL = 16  # records: without a high score they end an episode, missing ones are a gap
DOUBLING, PER_RECORDS, PER_SECONDS = range(3)  # what false alarms are counted by

JOINT, ALARMED, BEGINNING, ENDED, SEVERITY, THRESHOLD, FIELD, COLUMNS = range(8)


@entry
def run(bound, xs, times, expected, budget, unit, outs, rows):
    """Score the records *xs* (T, F) at *times* (T,), then learn each; NaN is missing.

    *bound* holds a `State`.  *expected* (T, F) are the forecasts, NaN where there is none;
    *budget* false alarms are allowed by *unit*.  *outs* (T, F, OUTS) takes what
    `stream_rnn.novelty.fields.learn` tells of each field, NaN where it is missing; *rows*
    (T, COLUMNS) the joint score, 1 for an alarm, the first record of the running episode (0 if
    there is none), the last one of an episode that is over, the highest score in the episode,
    the threshold, and the worst field, or −1.
    """
    fields, joint = bound.state.fields, bound.state.joint
    for t in range(len(xs)):
        joint[RECORDS] += 1
        if isnan(joint[BEGAN]):
            joint[BEGAN] = times[t]
        for f in range(xs.shape[1]):
            if isnan(xs[t, f]):
                miss(fields, f, expected[t, f], times[t])
                for i in range(OUTS):
                    outs[t, f, i] = np.nan
            else:
                _resume(fields, f)
                learn(fields, f, xs[t, f], times[t], expected[t, f], outs[t, f])
        rows[t, THRESHOLD] = threshold(joint, times[t], budget, unit)
        judge(fields, joint, outs[t], rows[t])


@kernel
def _resume(fields, f):
    """After a gap the field keeps quiet: it is not known what went before."""
    clock, alarm = fields.clock[f], fields.alarm[f]
    if clock[MISSING] >= LULL:
        alarm[UNTIL], alarm[TOP] = clock[SEEN], 0.0
    clock[MISSING] = 0


@kernel
def threshold(joint, time, budget, unit):
    """−log₁₀ of the false alarms allowed until the stream has doubled."""
    if unit == PER_RECORDS:
        budget *= joint[RECORDS]
    elif unit == PER_SECONDS:
        budget *= max(0.0, time - joint[BEGAN]) if time >= joint[BEGAN] else 0.0
    return -log10(budget + 1e-300)


@kernel
def judge(fields, joint, out, row):
    """Join the fields' scores by their harmonic mean; raise an alarm, follow the episode."""
    evidence = awake = 0.0
    for f in range(len(out)):
        if not isnan(out[f, SCORE]):
            found = 10.0 ** out[f, SCORE] / len(out)
            evidence += found
            if not _is_quiet(fields, f, out[f, SCORE]):
                awake += found
    row[JOINT] = max(LEAST, log10(evidence + 1e-300))
    row[ALARMED] = 1.0 if awake > 0 and log10(awake) >= row[THRESHOLD] else 0.0
    if row[ALARMED] > 0:
        joint[ALARMS] += 1
        joint[ALARM] = joint[RECORDS]
        if joint[START] == 0:
            joint[START], joint[PEAK] = joint[RECORDS], row[JOINT]
    row[FIELD] = joint[WORST] = _worst(fields, out, row)
    _take_part(fields, joint, out, row)
    row[ENDED] = 0.0
    if joint[START] > 0:
        joint[PEAK] = max(joint[PEAK], row[JOINT])
        if row[JOINT] >= row[THRESHOLD]:
            joint[HIGH] = joint[RECORDS]
        if joint[RECORDS] - joint[HIGH] > LULL:
            row[ENDED] = joint[HIGH]
            joint[START] = joint[PEAK] = 0.0
    row[BEGINNING], row[SEVERITY] = joint[START], joint[PEAK]


@kernel
def _worst(fields, out, row):
    """The field with the highest score; at an alarm, of those that do not keep quiet."""
    worst = -1
    for f in range(len(out)):
        if isnan(out[f, SCORE]) or (row[ALARMED] > 0 and _is_quiet(fields, f, out[f, SCORE])):
            continue
        if worst < 0 or out[f, SCORE] > out[worst, SCORE]:
            worst = f
    return worst


@kernel
def _is_quiet(fields, f, score):
    """Whether the field's last alarm is not yet its past, and this no worse."""
    alarm = fields.alarm[f]
    return ripe(fields.clock[f, SEEN]) <= alarm[UNTIL] and score < alarm[TOP] + WORSE


@kernel
def _take_part(fields, joint, out, row):
    """Fields that are high take part in an alarm, or prolong the quiet after one."""
    for f in range(len(out)):
        out[f, PART] = 0.0
        if isnan(out[f, SCORE]):
            continue
        alarm, score = fields.alarm[f], out[f, SCORE]
        high = score >= row[THRESHOLD]
        if _is_quiet(fields, f, score):
            alarm[TOP] = max(alarm[TOP], score)
            if high:
                alarm[UNTIL] = fields.clock[f, SEEN]
        elif row[ALARMED] > 0 and (high or f == row[FIELD]):
            out[f, PART] = 1.0
            alarm[UNTIL], alarm[AT] = fields.clock[f, SEEN], joint[RECORDS]
            alarm[TOP] = score
            keep_alarmed(fields, f)
