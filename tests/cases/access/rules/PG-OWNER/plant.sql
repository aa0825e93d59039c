-- database: stock
-- finds: medium p_owner: owns 1 object in stock
CREATE ROLE p_owner LOGIN;
CREATE TABLE public.p_own (id int);
ALTER TABLE public.p_own OWNER TO p_owner;
