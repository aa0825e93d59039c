-- database: shop
-- finds: high p_lender: may give membership in p_lent
-- finds: high p_lender: may give SELECT on table public.p_lendable in shop
CREATE ROLE p_lender LOGIN;
CREATE ROLE p_lent NOLOGIN;
GRANT p_lent TO p_lender WITH ADMIN OPTION;
CREATE TABLE public.p_lendable (id int);
GRANT SELECT ON public.p_lendable TO p_lender WITH GRANT OPTION;
