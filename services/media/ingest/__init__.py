"""An upload on its way from the first byte to the transaction that counts it."""
