-- The last minute of each zone.
SELECT DISTINCT ON (zone) zone, window_start, count,
	round(temperature_mean::numeric, 1) AS temperature,
	round(humidity_mean::numeric, 1) AS humidity,
	round(air_quality_index_mean::numeric, 1) AS air_quality,
	round(noise_level_mean::numeric, 1) AS noise,
	round(traffic_flow_mean::numeric, 1) AS traffic, anomaly_count AS anomalies
FROM sensor_metrics_1min
ORDER BY zone, window_start DESC;
