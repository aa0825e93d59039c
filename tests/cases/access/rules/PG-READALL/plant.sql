-- finds: high p_analyst: reads every table
CREATE ROLE p_analyst LOGIN;
GRANT pg_read_all_data TO p_analyst;
