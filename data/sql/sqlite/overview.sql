-- Mean and maximum of each measure a zone, and how much of it was unusual, over the last day of
-- what is stored, but for minutes that are ahead of the clock (unless all are). A minute weighs as
-- many as it has records, those that lack the measure too.
WITH newest AS (
	SELECT coalesce(
		(SELECT max(window_end) FROM sensor_metrics_1min
			WHERE window_end <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
		(SELECT max(window_end) FROM sensor_metrics_1min)) AS at
)
SELECT zone, sum(count) AS records,
	round(sum(temperature_mean * count) / sum(count)
		FILTER (WHERE temperature_mean IS NOT NULL), 1) AS temperature_mean,
	max(temperature_max) AS temperature_max,
	round(sum(air_quality_index_mean * count) / sum(count)
		FILTER (WHERE air_quality_index_mean IS NOT NULL), 1) AS air_quality_mean,
	max(air_quality_index_max) AS air_quality_max,
	round(sum(noise_level_mean * count) / sum(count)
		FILTER (WHERE noise_level_mean IS NOT NULL), 1) AS noise_mean,
	max(noise_level_max) AS noise_max,
	round(sum(traffic_flow_mean * count) / sum(count)
		FILTER (WHERE traffic_flow_mean IS NOT NULL), 1) AS traffic_mean,
	max(traffic_flow_max) AS traffic_max,
	sum(anomaly_count) AS anomalies
FROM sensor_metrics_1min
WHERE window_end > (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', at, '-1 day') FROM newest)
	AND window_end <= (SELECT at FROM newest)
GROUP BY zone
ORDER BY zone;
