-- asks: XA transactions that were prepared and neither committed nor rolled back.
-- privilege: XA_RECOVER_ADMIN ON *.*
-- flavours: mysql 8.0-
-- cost: one pass over the transactions
XA RECOVER
