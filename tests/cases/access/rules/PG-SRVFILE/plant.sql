-- finds: critical p_etl: runs commands on the server
CREATE ROLE p_etl LOGIN;
GRANT pg_execute_server_program TO p_etl;
