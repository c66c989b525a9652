-- The last minute of each zone.
SELECT zone, window_start, count, round(temperature_mean, 1) AS temperature,
	round(humidity_mean, 1) AS humidity, round(air_quality_index_mean, 1) AS air_quality,
	round(noise_level_mean, 1) AS noise, round(traffic_flow_mean, 1) AS traffic,
	anomaly_count AS anomalies
FROM (
	SELECT *, row_number() OVER (PARTITION BY zone ORDER BY window_start DESC) AS newest
	FROM sensor_metrics_1min
)
WHERE newest = 1
ORDER BY zone;
