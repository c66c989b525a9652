"""The Python way of SECOM: read UCI's file, impute, scale, fit, score, write; one process."""

import sys

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

values = pd.read_csv(sys.argv[1], sep=" ", header=None).to_numpy()
values = SimpleImputer(strategy="median").fit_transform(values)
values = StandardScaler().fit_transform(values).astype(np.float32)
forest = IsolationForest(n_estimators=100, contamination=0.1, random_state=42).fit(values)
scores = forest.decision_function(values)
pd.DataFrame({"score": scores, "is_anomaly": scores < 0}).to_csv(sys.argv[2], index=False)
