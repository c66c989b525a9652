"""The Python way of a table (CSV or JSON Lines): read, fit, score, write; one process."""

import sys

import pandas as pd
from sklearn.ensemble import IsolationForest

FEATURES = ["temperature", "humidity", "pressure", "noise", "flow"]

json = sys.argv[1].endswith(".jsonl")
table = pd.read_json(sys.argv[1], lines=True) if json else pd.read_csv(sys.argv[1])
values = table[FEATURES].to_numpy(dtype="float32")
forest = IsolationForest(n_estimators=100, random_state=42).fit(values)
table["anomaly_score"] = -forest.score_samples(values)
table["is_anomaly"] = table["anomaly_score"] > 0.5
if json:
    table.to_json(sys.argv[2], orient="records", lines=True)
else:
    table.to_csv(sys.argv[2], index=False)
