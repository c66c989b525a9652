-- What a model is trained on: the 7 days before the newest record, at most 10,000 rows of them,
-- evenly over zones, sensors and that time. A record that is ahead of the clock is not the newest,
-- unless all are, in time that is simulated.
WITH newest AS (
	SELECT coalesce(
		(SELECT max("timestamp") FROM sensor_data WHERE "timestamp" <= now()),
		(SELECT max("timestamp") FROM sensor_data)) AS at
), recent AS (
	SELECT *, row_number() OVER (ORDER BY zone, sensor_id, "timestamp") AS n, count(*) OVER () AS total
	FROM sensor_data
	WHERE "timestamp" > (SELECT at - interval '7 days' FROM newest)
		AND "timestamp" <= (SELECT at FROM newest)
)
SELECT sensor_id, zone, "timestamp", temperature, humidity, air_quality_index, noise_level,
	traffic_flow, label, label_type
FROM recent
WHERE n % ((total + 9999) / 10000) = 0
ORDER BY "timestamp", sensor_id;
