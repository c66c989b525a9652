-- What a model is trained on: the 7 days before the newest record, at most 10,000 rows of them,
-- evenly over zones, sensors and that time.
WITH recent AS (
	SELECT *, row_number() OVER (ORDER BY zone, sensor_id, "timestamp") AS n, count(*) OVER () AS total
	FROM sensor_data
	WHERE "timestamp" > (SELECT max("timestamp") - interval '7 days' FROM sensor_data)
)
SELECT sensor_id, zone, "timestamp", temperature, humidity, air_quality_index, noise_level,
	traffic_flow, label, label_type
FROM recent
WHERE n % ((total + 9999) / 10000) = 0
ORDER BY "timestamp", sensor_id;
