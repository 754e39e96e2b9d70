-- asks: XA transactions that were prepared and neither committed nor rolled back.
-- privilege: none
-- flavours: mariadb 10.6-
-- cost: one pass over the transactions
XA RECOVER
