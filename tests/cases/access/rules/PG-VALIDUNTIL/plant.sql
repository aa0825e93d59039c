-- hba: local all p_temporary trust
-- finds: high p_temporary: still gets in by trust after 2026-12-31T00:00:00Z
CREATE ROLE p_temporary LOGIN VALID UNTIL '2026-12-31 00:00:00+00';
