-- The last minute (UTC) of each zone.
SELECT DISTINCT ON (zone) zone, to_char(window_start AT TIME ZONE 'UTC', 'HH24:MI') AS minute, count,
	round(temperature_mean::numeric, 1) AS temp,
	round(humidity_mean::numeric, 1) AS humid,
	round(air_quality_index_mean::numeric, 1) AS air,
	round(noise_level_mean::numeric, 1) AS noise,
	round(traffic_flow_mean::numeric, 1) AS traffic, anomaly_count AS alarms
FROM sensor_metrics_1min
ORDER BY zone, sensor_metrics_1min.window_start DESC;
