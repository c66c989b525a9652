-- The tables of the city, in SQLite. Times are text: RFC 3339 in UTC, to the millisecond, so that
-- they sort as they happened.

CREATE TABLE IF NOT EXISTS sensor_data (
	sensor_id TEXT NOT NULL,
	zone TEXT NOT NULL,
	latitude REAL,
	longitude REAL,
	"timestamp" TEXT NOT NULL,
	temperature REAL,
	humidity REAL,
	air_quality_index REAL,
	noise_level REAL,
	traffic_flow REAL,
	label INTEGER CHECK (label IN (0, 1)),
	label_type TEXT
) STRICT;

CREATE INDEX IF NOT EXISTS sensor_data_time ON sensor_data ("timestamp");
CREATE INDEX IF NOT EXISTS sensor_data_zone_time ON sensor_data (zone, "timestamp");

-- A row a zone and minute.
CREATE TABLE IF NOT EXISTS sensor_metrics_1min (
	zone TEXT NOT NULL,
	window_start TEXT NOT NULL,
	window_end TEXT NOT NULL,
	count INTEGER NOT NULL,
	temperature_mean REAL,
	temperature_min REAL,
	temperature_max REAL,
	humidity_mean REAL,
	humidity_min REAL,
	humidity_max REAL,
	air_quality_index_mean REAL,
	air_quality_index_min REAL,
	air_quality_index_max REAL,
	noise_level_mean REAL,
	noise_level_min REAL,
	noise_level_max REAL,
	traffic_flow_mean REAL,
	traffic_flow_min REAL,
	traffic_flow_max REAL,
	anomaly_count INTEGER,
	PRIMARY KEY (zone, window_start)
) STRICT;

CREATE INDEX IF NOT EXISTS sensor_metrics_1min_end ON sensor_metrics_1min (window_end);

-- The same of 5 minutes, one each minute.
CREATE TABLE IF NOT EXISTS sensor_metrics_5min (
	zone TEXT NOT NULL,
	window_start TEXT NOT NULL,
	window_end TEXT NOT NULL,
	count INTEGER NOT NULL,
	temperature_mean REAL,
	temperature_min REAL,
	temperature_max REAL,
	humidity_mean REAL,
	humidity_min REAL,
	humidity_max REAL,
	air_quality_index_mean REAL,
	air_quality_index_min REAL,
	air_quality_index_max REAL,
	noise_level_mean REAL,
	noise_level_min REAL,
	noise_level_max REAL,
	traffic_flow_mean REAL,
	traffic_flow_min REAL,
	traffic_flow_max REAL,
	anomaly_count INTEGER,
	PRIMARY KEY (zone, window_start)
) STRICT;

CREATE INDEX IF NOT EXISTS sensor_metrics_5min_end ON sensor_metrics_5min (window_end);
