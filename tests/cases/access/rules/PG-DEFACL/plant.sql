-- database: stock
-- finds: medium PUBLIC: SELECT on tables that p_maker will make in schema public of stock
CREATE ROLE p_maker NOLOGIN;
ALTER DEFAULT PRIVILEGES FOR ROLE p_maker IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;
