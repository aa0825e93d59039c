-- hba: host shop p_nobody 0.0.0.0/0 trust
-- finds: high host shop p_nobody: lets in the whole world
SELECT 1;
