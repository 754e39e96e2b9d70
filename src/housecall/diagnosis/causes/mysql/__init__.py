"""The causes on MySQL and MariaDB, one file each."""
