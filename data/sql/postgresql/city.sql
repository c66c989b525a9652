-- The tables of the city, in PostgreSQL.

CREATE TABLE IF NOT EXISTS sensor_data (
	sensor_id text NOT NULL,
	zone text NOT NULL,
	latitude double precision,
	longitude double precision,
	"timestamp" timestamptz NOT NULL,
	temperature double precision,
	humidity double precision,
	air_quality_index double precision,
	noise_level double precision,
	traffic_flow double precision,
	label smallint CHECK (label IN (0, 1)),
	label_type text
);

CREATE INDEX IF NOT EXISTS sensor_data_time ON sensor_data ("timestamp");
CREATE INDEX IF NOT EXISTS sensor_data_zone_time ON sensor_data (zone, "timestamp");

-- A row a zone and minute.
CREATE TABLE IF NOT EXISTS sensor_metrics_1min (
	zone text NOT NULL,
	window_start timestamptz NOT NULL,
	window_end timestamptz NOT NULL,
	count bigint NOT NULL,
	temperature_mean double precision,
	temperature_min double precision,
	temperature_max double precision,
	humidity_mean double precision,
	humidity_min double precision,
	humidity_max double precision,
	air_quality_index_mean double precision,
	air_quality_index_min double precision,
	air_quality_index_max double precision,
	noise_level_mean double precision,
	noise_level_min double precision,
	noise_level_max double precision,
	traffic_flow_mean double precision,
	traffic_flow_min double precision,
	traffic_flow_max double precision,
	anomaly_count bigint,
	PRIMARY KEY (zone, window_start)
);

CREATE INDEX IF NOT EXISTS sensor_metrics_1min_end ON sensor_metrics_1min (window_end);

-- The same of 5 minutes, one each minute.
CREATE TABLE IF NOT EXISTS sensor_metrics_5min (
	zone text NOT NULL,
	window_start timestamptz NOT NULL,
	window_end timestamptz NOT NULL,
	count bigint NOT NULL,
	temperature_mean double precision,
	temperature_min double precision,
	temperature_max double precision,
	humidity_mean double precision,
	humidity_min double precision,
	humidity_max double precision,
	air_quality_index_mean double precision,
	air_quality_index_min double precision,
	air_quality_index_max double precision,
	noise_level_mean double precision,
	noise_level_min double precision,
	noise_level_max double precision,
	traffic_flow_mean double precision,
	traffic_flow_min double precision,
	traffic_flow_max double precision,
	anomaly_count bigint,
	PRIMARY KEY (zone, window_start)
);

CREATE INDEX IF NOT EXISTS sensor_metrics_5min_end ON sensor_metrics_5min (window_end);
