-- asks: Which accounts there are, how they log in, and which wide rights they have; no hash leaves the server.
-- privilege: SELECT ON mysql.user; SELECT ON mysql.global_priv
-- flavours: mariadb 10.6-
-- cost: one row an account
SELECT
    u.User AS user_name,
    u.Host AS host,
    u.plugin AS plugin,
    COALESCE(u.authentication_string, '') <> '' AS has_password,
    u.authentication_string = CONCAT('*', UPPER(SHA1(UNHEX(SHA1(u.User))))) AS password_is_name,
    COALESCE((
        SELECT JSON_VALUE(g.Priv, '$.account_locked') = '1' FROM mysql.global_priv AS g WHERE g.User = u.User AND g.Host = u.Host
    ), FALSE) AS is_locked,
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
