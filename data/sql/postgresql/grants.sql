-- What the city's sinks may do, and no more, for a role that owns nothing:
--
--     psql -v role=NAME -f grants.sql
--
-- once the tables of city.sql and offsets.sql are there. Metrics are merged, from a temporary table.

GRANT INSERT ON sensor_data TO :"role";
GRANT SELECT, INSERT, UPDATE ON sensor_metrics_1min, sensor_metrics_5min TO :"role";
GRANT SELECT, INSERT, UPDATE ON sensorutils_offsets TO :"role";
SELECT format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), :'role') \gexec
