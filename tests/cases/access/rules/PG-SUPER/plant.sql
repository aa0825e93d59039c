-- finds: critical p_super: can become superuser p_root
CREATE ROLE p_root SUPERUSER NOLOGIN;
CREATE ROLE p_ops NOLOGIN;
CREATE ROLE p_super LOGIN;
GRANT p_root TO p_ops;
GRANT p_ops TO p_super;
