-- asks: Which accounts there are, how they log in, and which wide rights they have; no hash leaves the server.
-- privilege: SELECT ON mysql.user
-- flavours: mysql 9.0-
-- cost: one row an account
SELECT
    u.User AS user_name,
    u.Host AS host,
    u.plugin AS plugin,
    COALESCE(u.authentication_string, '') <> '' AS has_password,
    NULL AS password_is_name,
    u.account_locked = 'Y' AS is_locked,
    u.password_expired = 'Y' AS is_expired,
    u.Super_priv = 'Y' AS has_super,
    u.Grant_priv = 'Y' AS has_grant,
    u.File_priv = 'Y' AS has_file,
    u.Create_user_priv = 'Y' AS has_create_user,
    u.Select_priv = 'Y' AND u.Delete_priv = 'Y' AND u.Drop_priv = 'Y' AS has_all,
    u.ssl_type <> '' AS requires_tls,
    COUNT(*) OVER () AS accounts
FROM mysql.user AS u
ORDER BY u.User, u.Host
LIMIT 300
