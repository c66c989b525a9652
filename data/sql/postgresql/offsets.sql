-- Where the pipelines of Kafka have got to, in PostgreSQL: what 'db-sink --claim' makes where it is
-- not there, which takes the right to make tables. db-sink(1), EXACTLY ONCE, says what stands in it.

CREATE TABLE IF NOT EXISTS sensorutils_offsets (
	grp text,
	topic text,
	partition integer,
	next bigint,
	epoch bigint NOT NULL,
	state text,
	mark text,
	PRIMARY KEY (grp, topic, partition)
);
