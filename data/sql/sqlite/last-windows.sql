-- The last minute (UTC) of each zone.
SELECT zone, substr(window_start, 12, 5) AS minute, count, round(temperature_mean, 1) AS temp,
	round(humidity_mean, 1) AS humid, round(air_quality_index_mean, 1) AS air,
	round(noise_level_mean, 1) AS noise, round(traffic_flow_mean, 1) AS traffic,
	anomaly_count AS alarms
FROM (
	SELECT *, row_number() OVER (PARTITION BY zone ORDER BY window_start DESC) AS newest
	FROM sensor_metrics_1min
)
WHERE newest = 1
ORDER BY zone;
