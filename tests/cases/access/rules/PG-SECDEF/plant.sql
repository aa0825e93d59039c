-- database: stock
-- finds: high public.p_reset(text): whose search_path the caller chooses
-- finds: medium public.p_pinned(): which searches pg_temp before
CREATE FUNCTION public.p_reset(text) RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT $1';
CREATE FUNCTION public.p_pinned() RETURNS int LANGUAGE sql SECURITY DEFINER
  SET search_path = public AS 'SELECT 1';
CREATE FUNCTION public.p_good() RETURNS int LANGUAGE sql SECURITY DEFINER
  SET search_path = public, pg_temp AS 'SELECT 1';
