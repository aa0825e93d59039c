-- database: shop
-- finds: medium PUBLIC: SELECT on table public.p_customers in shop
-- finds: high PUBLIC: CREATE on schema p_open in shop
-- finds: low PUBLIC: 2 functions of schema p_open
CREATE TABLE public.p_customers (id int);
GRANT SELECT ON public.p_customers TO PUBLIC;
CREATE SCHEMA p_open;
GRANT CREATE, USAGE ON SCHEMA p_open TO PUBLIC;
CREATE FUNCTION p_open.one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION p_open.two() RETURNS int LANGUAGE sql AS 'SELECT 2';
