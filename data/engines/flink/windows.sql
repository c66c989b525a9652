-- The windows of the city, per zone, over the tables of tables.sql: of 1 minute, and of 5 minutes
-- each minute. With event time and late records as in
--
--     window-agg --key zone --window 60s --lateness 10s --agg …
--     window-agg --key zone --window 5m --slide 1m --lateness 10s --agg …

SET 'pipeline.name' = 'city windows';

EXECUTE STATEMENT SET
BEGIN

INSERT INTO metrics_1min
SELECT
	zone,
	DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
	DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
	COUNT(*),
	AVG(temperature), MIN(temperature), MAX(temperature),
	AVG(humidity), MIN(humidity), MAX(humidity),
	AVG(air_quality_index), MIN(air_quality_index), MAX(air_quality_index),
	AVG(noise_level), MIN(noise_level), MAX(noise_level),
	AVG(traffic_flow), MIN(traffic_flow), MAX(traffic_flow),
	COUNT(*) FILTER (WHERE is_anomaly)
FROM TABLE(
	TUMBLE(TABLE city_scored, DESCRIPTOR(`timestamp`), INTERVAL '1' MINUTE))
GROUP BY zone, window_start, window_end;

INSERT INTO metrics_5min
SELECT
	zone,
	DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
	DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss.SSS''Z'''),
	COUNT(*),
	AVG(temperature), MIN(temperature), MAX(temperature),
	AVG(humidity), MIN(humidity), MAX(humidity),
	AVG(air_quality_index), MIN(air_quality_index), MAX(air_quality_index),
	AVG(noise_level), MIN(noise_level), MAX(noise_level),
	AVG(traffic_flow), MIN(traffic_flow), MAX(traffic_flow),
	COUNT(*) FILTER (WHERE is_anomaly)
FROM TABLE(
	HOP(TABLE city_scored, DESCRIPTOR(`timestamp`), INTERVAL '1' MINUTE, INTERVAL '5' MINUTE))
GROUP BY zone, window_start, window_end;

END;
