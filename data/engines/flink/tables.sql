-- The topics of the city as tables of Flink 1.20: scored readings in, two kinds of windows out.
-- The brokers, localhost:9092, stand here three times: put yours in their place.

SET 'table.local-time-zone' = 'UTC';
-- What is written is seen by read_committed consumers from the next checkpoint on.
SET 'execution.checkpointing.interval' = '5 s';

-- What `anomaly-score | kafka-produce -t city.scored` writes, of which the windows need this.
-- A message that cannot be read, or lacks a field, fails the job.
CREATE TABLE city_scored (
	zone STRING,
	`timestamp` TIMESTAMP_LTZ(3),
	temperature DOUBLE,
	humidity DOUBLE,
	air_quality_index DOUBLE,
	noise_level DOUBLE,
	traffic_flow DOUBLE,
	is_anomaly BOOLEAN,
	-- As `window-agg --lateness 10s`.
	WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '10' SECOND
) WITH (
	'connector' = 'kafka',
	'topic' = 'city.scored',
	'properties.bootstrap.servers' = 'localhost:9092',
	'properties.group.id' = 'city-windows-flink',
	'properties.isolation.level' = 'read_committed',
	'properties.auto.offset.reset' = 'earliest',
	'scan.startup.mode' = 'group-offsets',
	-- A partition to which no zone belongs would hold the watermark up for ever; one that has
	-- been silent for so long does not. What it brings after that may be late.
	'scan.watermark.idle-timeout' = '5 min',
	'format' = 'json',
	'json.fail-on-missing-field' = 'true',
	'json.timestamp-format.standard' = 'ISO-8601'
);

-- The columns of sensor_metrics_1min in data/sql, for db-sink.
CREATE TABLE metrics_1min (
	zone STRING,
	window_start STRING,
	window_end STRING,
	`count` BIGINT,
	temperature_mean DOUBLE,
	temperature_min DOUBLE,
	temperature_max DOUBLE,
	humidity_mean DOUBLE,
	humidity_min DOUBLE,
	humidity_max DOUBLE,
	air_quality_index_mean DOUBLE,
	air_quality_index_min DOUBLE,
	air_quality_index_max DOUBLE,
	noise_level_mean DOUBLE,
	noise_level_min DOUBLE,
	noise_level_max DOUBLE,
	traffic_flow_mean DOUBLE,
	traffic_flow_min DOUBLE,
	traffic_flow_max DOUBLE,
	anomaly_count BIGINT
) WITH (
	'connector' = 'kafka',
	'topic' = 'city.metrics-1min',
	'properties.bootstrap.servers' = 'localhost:9092',
	-- Longer than an outage of the job, within transaction.max.timeout.ms of the brokers: what an
	-- aborted transaction held is lost.
	'properties.transaction.timeout.ms' = '900000',
	'sink.delivery-guarantee' = 'exactly-once',
	'sink.transactional-id-prefix' = 'city-metrics-1min',
	'key.format' = 'raw',
	'key.fields' = 'zone',
	'value.format' = 'json'
);

CREATE TABLE metrics_5min WITH (
	'topic' = 'city.metrics-5min',
	'sink.transactional-id-prefix' = 'city-metrics-5min'
) LIKE metrics_1min (OVERWRITING OPTIONS);
