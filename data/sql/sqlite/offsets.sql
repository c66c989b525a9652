-- Where the pipelines of Kafka have got to, in SQLite: what 'db-sink --claim' makes where it is not
-- there. db-sink(1), EXACTLY ONCE, says what stands in it.

CREATE TABLE IF NOT EXISTS sensorutils_offsets (
	grp TEXT NOT NULL,
	topic TEXT NOT NULL,
	"partition" INTEGER NOT NULL,
	"next" INTEGER,
	epoch INTEGER NOT NULL,
	state TEXT,
	mark TEXT,
	PRIMARY KEY (grp, topic, "partition")
) STRICT, WITHOUT ROWID;
