-- finds: critical p_attr: (CREATEROLE)
CREATE ROLE p_attr LOGIN CREATEROLE;
